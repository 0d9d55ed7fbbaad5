// The tokenizer of the tiny models: each match of the pattern in tokenizer.json is one token. The tokens of TinyWorld's
// models are words, numbers and punctuation marks. The reasoner's tokens are single characters and tags.

const LETTERS = "\\p{L}\\p{M}\\p{N}_"; // what \w matches in tokenizer.json: letters and digits of all scripts, and _
const NO_SPACE_BEFORE = /^(?:[.,?!:;”)]|'.*)$/u;
const NO_SPACE_AFTER = /^[“(]$/u;

export class Tokenizer {
  /** @param {any} json the content of tokenizer.json */
  constructor({ model, pre_tokenizer }) {
    const pattern = pre_tokenizer.pattern.Regex.replaceAll(/\[\^(\\s)?\\w/g, `[^$1${LETTERS}`).replaceAll("\\w", `[${LETTERS}]`);
    this.pieces = new RegExp(pattern, "gu");
    /** @type {Map<string, number>} */
    this.ids = new Map(Object.entries(model.vocab));
    this.unknown = this.ids.get(model.unk_token);
    /** @type {string[]} the token of each id */
    this.tokens = [];
    for (const [token, id] of this.ids) this.tokens[id] = token;
    this.begin = this.ids.get("<s>");
    this.end = this.ids.get("</s>");
  }

  /**
   * Return the id of the token that begins every text, and then the ids of the text's tokens.
   * @param {string} text
   * @returns {number[]}
   */
  encode(text) {
    const pieces = text.match(this.pieces) ?? [];
    return [this.begin, ...pieces.map((piece) => this.ids.get(piece) ?? this.unknown)];
  }

  /**
   * Return the text of one token. A space is put in front of all tokens except those that NO_SPACE_BEFORE matches.
   * @param {number} id
   */
  piece(id) {
    const token = this.tokens[id];
    return NO_SPACE_BEFORE.test(token) ? token : ` ${token}`;
  }

  /**
   * Join tokens to a text. The tokens that begin and end a text, and the padding (id 0), are left out.
   * @param {number[]} ids
   * @returns {string}
   */
  decode(ids) {
    let text = "";
    let glue = true; // whether the next token follows without a space
    for (const id of ids) {
      if (id === this.begin || id === this.end || id === 0) continue;
      const token = this.tokens[id];
      text += glue || NO_SPACE_BEFORE.test(token) ? token : ` ${token}`;
      glue = NO_SPACE_AFTER.test(token);
    }
    return text;
  }
}
