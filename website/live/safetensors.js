// Reads a safetensors file: https://huggingface.co/docs/safetensors. The first 8 bytes give the length of a header
// in JSON, the header gives each tensor's type, shape and byte offsets, and the numbers follow.

/**
 * A tensor: its numbers row by row, and its shape.
 * @typedef {{ values: Float32Array, shape: number[] }} Tensor
 */

/**
 * Read all tensors of a file with 32-bit numbers.
 * @param {ArrayBuffer} buffer the whole file
 * @returns {Map<string, Tensor>} by name, in the order of the file
 * @throws {Error} if the file ends too early or holds another type of number
 */
export function readSafetensors(buffer) {
  const headerLength = buffer.byteLength < 8 ? Infinity : Number(new DataView(buffer).getBigUint64(0, true));
  const start = 8 + headerLength;
  if (start > buffer.byteLength) throw new Error("This is not a whole safetensors file: load it again.");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, headerLength)));
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    if (dtype !== "F32") throw new Error(`The tensor ${name} has the type ${dtype}; only F32 is read here.`);
    const [from, to] = offsets.map((offset) => start + offset);
    if (to > buffer.byteLength) throw new Error(`The file ends inside the tensor ${name}: load it again.`);
    // `slice` copies the bytes, because a Float32Array must begin at a multiple of 4 bytes in its buffer.
    tensors.set(name, { values: new Float32Array(buffer.slice(from, to)), shape });
  }
  return tensors;
}
