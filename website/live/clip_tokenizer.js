// CLIP's tokenizer, which Stable Diffusion has: byte pair encoding. A word begins as single characters; the pair that
// stands first in the list of merges is joined, and again, until no pair is in the list.

const WORD = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;

export class ClipTokenizer {
  /**
   * @param {any} json the content of tokenizer.json
   * @param {number} length the number of ids of a prompt, with the marks at both ends
   */
  constructor({ model, added_tokens: [begin, end] }, length) {
    /** @type {Object<string, number>} */
    this.ids = model.vocab;
    this.ranks = new Map(model.merges.map((pair, rank) => [pair.join(" "), rank]));
    this.ending = model.end_of_word_suffix;
    this.begin = begin.id;
    this.end = end.id;
    this.length = length;
    this.characters = byteCharacters();
  }

  /**
   * Split a prompt into tokens. The last token of each word ends in "</w>".
   * @param {string} prompt
   * @returns {string[]} as many as fit between the marks
   */
  split(prompt) {
    const words = prompt.normalize("NFC").toLowerCase().match(WORD) ?? [];
    return words.flatMap((word) => this.#pieces(word)).slice(0, this.length - 2);
  }

  /**
   * The ids of a prompt: the mark of the beginning, the tokens, and the mark of the end up to the full length.
   * @param {string} prompt
   * @returns {number[]}
   */
  encode(prompt) {
    const ids = [this.begin, ...this.split(prompt).map((piece) => this.ids[piece] ?? this.end)];
    return [...ids, ...Array(this.length - ids.length).fill(this.end)];
  }

  #pieces(word) {
    const pieces = Array.from(new TextEncoder().encode(word), (byte) => this.characters[byte]);
    pieces[pieces.length - 1] += this.ending;
    for (;;) {
      let [best, at] = [Infinity, -1];
      for (let i = 0; i + 1 < pieces.length; i++) {
        const rank = this.ranks.get(`${pieces[i]} ${pieces[i + 1]}`) ?? Infinity;
        if (rank < best) [best, at] = [rank, i];
      }
      if (at < 0) return pieces;
      pieces.splice(at, 2, pieces[at] + pieces[at + 1]);
    }
  }
}

/** A visible character for each byte, as in GPT-2: most stand for themselves, the others begin at 256. */
function byteCharacters() {
  const visible = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(visible(byte) ? byte : next++));
}
