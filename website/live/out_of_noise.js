// Answers the requests of the view `denoising` with PictureWorld's Stable Diffusion, which runs in a worker of the
// page.

/**
 * @param {string} folder the address of the model's folder
 * @param {(share: number) => void} progress
 */
export async function answerFor(folder, progress) {
  const worker = new Worker(new URL("./picture_worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let last = 0;
  const ask = (message) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ ...message, id: last });
    });
  worker.addEventListener("message", ({ data: { share, id, answer, error } }) => {
    if (share !== undefined) return progress(share);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  });
  worker.addEventListener("error", () => {
    for (const { reject } of waiting.values()) reject(new Error("The model stopped: load the page again."));
    waiting.clear();
  });
  await ask({ folder: new URL(folder, location.href).href });
  return { answer: (want) => ask({ want }) };
}
