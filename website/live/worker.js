// The service worker keeps the front page, the explorables and all pages that a visitor has seen, so that they work
// without a network. With a network, files come from the server, so that nobody sees an old page. The build of the website
// writes VERSION and FILES. The weights of models are not kept here, because load.js keeps them.
const VERSION = "";
const FILES = [];
const CACHE = `open-the-box-site-${VERSION}`;
const KEPT_ELSEWHERE = /\.(safetensors|onnx)$/;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)));
});

self.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    const old = names.filter((name) => name.startsWith("open-the-box-site-") && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const address = new URL(request.url);
  if (request.method !== "GET" || address.origin !== location.origin || KEPT_ELSEWHERE.test(address.pathname)) return;
  event.respondWith(fromNetworkOrCache(event));
});

async function fromNetworkOrCache(event) {
  const { request } = event;
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.status === 200) event.waitUntil(cache.put(request.url.split("?")[0], answer.clone()).catch(() => {})); // if the disk is full, the answer is not kept
    return answer;
  } catch (error) {
    const address = request.url.split(/[?#]/)[0];
    const kept = (await cache.match(address)) ?? (await cache.match(`${address}index.html`));
    if (kept) return kept;
    throw error;
  }
}
