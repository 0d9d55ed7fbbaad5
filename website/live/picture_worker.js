// Runs PictureWorld's Stable Diffusion in a thread of its own, so that the page still responds while the model draws.
import { fetchKept } from "./load.js";
import { fetchJson } from "./host.js";
import { PictureWorld } from "./picture_world.js";

const RUNTIME = "ort.wasm.bundle.min.mjs";
const FILES = { wasm: "ort-wasm-simd-threaded.wasm", textEncoder: "text_encoder.onnx", unet: "unet.onnx", decoder: "vae_decoder.onnx" };
const SHARES = { wasm: 0.58, textEncoder: 0.05, unet: 0.33, decoder: 0.04 }; // each file's share of all bytes to download
// Higher levels of graph optimisation take seconds at the start, and make no run in WebAssembly faster.
const OPTIONS = { executionProviders: ["wasm"], graphOptimizationLevel: "basic" };

/** @param {string} folder @param {(share: number) => void} progress */
async function load(folder, progress) {
  const arrived = {};
  const file = async (name) =>
    fetchKept(`${folder}/${FILES[name]}`, (share) => {
      arrived[name] = Math.min(1, share) * SHARES[name]; // `share` passes 1 if the server compresses the file, because Content-Length is then too small
      progress(Object.values(arrived).reduce((sum, part) => sum + part, 0));
    });
  const [ort, tokenizer, scheduler, wasm, ...models] = await Promise.all([
    import(`${folder}/${RUNTIME}`),
    fetchJson(`${folder}/tokenizer.json`),
    fetchJson(`${folder}/scheduler_config.json`),
    ...Object.keys(FILES).map(file),
  ]);
  ort.env.wasm.numThreads = 1; // more threads need headers that a plain web server does not send
  ort.env.wasm.wasmBinary = wasm;
  const networks = {};
  for (const [index, name] of ["textEncoder", "unet", "decoder"].entries()) {
    networks[name] = await ort.InferenceSession.create(new Uint8Array(models[index]), OPTIONS);
  }
  return new PictureWorld(ort, networks, { tokenizer, scheduler });
}

let world = null;
let turn = Promise.resolve(); // a promise that is resolved when all requests so far have been answered

addEventListener("message", ({ data: { folder, want, id } }) => {
  turn = turn.then(async () => {
    try {
      if (folder) world = await load(folder, (share) => postMessage({ share }));
      postMessage({ id, answer: want && (await world.answer(want)) });
    } catch (error) {
      postMessage({ id, error: String(error.message ?? error) });
    }
  });
});
