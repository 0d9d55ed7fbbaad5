// CLIP's tokenizer, which Stable Diffusion uses. It does byte pair encoding. A word is first split into its bytes. Then, of all
// pairs of neighbouring pieces, the pair that comes first in the list of merges is joined. This is repeated until none of the
// word's pairs is in the list.

const WORD = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+/gu;

export class ClipTokenizer {
  /**
   * @param {any} json the content of tokenizer.json
   * @param {number} length the number of ids that every prompt gets, including the start token and the end token
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
   * @returns {string[]} the first tokens, as many as fit between the start token and the end token
   */
  split(prompt) {
    const words = prompt.normalize("NFC").toLowerCase().match(WORD) ?? [];
    return words.flatMap((word) => this.#pieces(word)).slice(0, this.length - 2);
  }

  /**
   * Return `length` ids for a prompt: the id of the start token, then the ids of the prompt's tokens, then the id of the end
   * token as often as needed.
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

/** Return a character for each byte, as in GPT-2. It is the character whose code point is the byte, if that character is
 * visible. The other bytes get the characters from code point 256 on. */
function byteCharacters() {
  const visible = (byte) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(visible(byte) ? byte : next++));
}
