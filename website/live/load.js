// Loads a TinyWorld model into the page, and reports the progress. On later visits, the model comes from the browser's
// cache.
import { readSafetensors } from "./safetensors.js";
import { TinyWorld } from "./tinyworld.js";
import { Tokenizer } from "./tokenizer.js";

const CACHE = "open-the-box-weights";

/**
 * Return a file's content from the browser's cache, or download the file and put it into the cache.
 * @param {string} address
 * @param {(share: number) => void} [progress] gets the share that has arrived, from 0 to 1
 * @returns {Promise<ArrayBuffer>}
 */
export async function fetchKept(address, progress = () => {}) {
  const cache = "caches" in globalThis ? await caches.open(CACHE).catch(() => null) : null;
  const kept = await cache?.match(address);
  if (kept) return kept.arrayBuffer();
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`The weights could not be loaded (${answer.status}): try again in a moment.`);
  const length = Number(answer.headers.get("Content-Length"));
  const reader = answer.body.getReader();
  const chunks = [];
  let received = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    received += value.length;
    if (length) progress(received / length);
  }
  const blob = new Blob(chunks);
  await cache?.put(address, new Response(blob)).catch(() => {}); // the cache may be full or forbidden
  return blob.arrayBuffer();
}

/** @param {ArrayBuffer} buffer */
const json = (buffer) => JSON.parse(new TextDecoder().decode(buffer));

/**
 * Load a model with its tokenizer.
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} [progress]
 * @returns {Promise<{ model: TinyWorld, tokenizer: Tokenizer }>}
 */
export async function loadTinyWorld(folder, progress = () => {}) {
  const [config, tokens, weights] = await Promise.all([
    fetchKept(`${folder}/config.json`).then(json),
    fetchKept(`${folder}/tokenizer.json`).then(json),
    fetchKept(`${folder}/model.safetensors`, progress),
  ]);
  return { model: new TinyWorld(config, readSafetensors(weights)), tokenizer: new Tokenizer(tokens) };
}
