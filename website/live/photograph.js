// Saves an explorable as a PNG file. A copy of the explorable is put into an SVG, with the page's styles and fonts.
// The browser then draws the SVG on a canvas.

const SCALE = 2; // pixels of the PNG for each pixel of the page
const MARGIN = 24;

/**
 * Save a picture of an explorable as a PNG file in the visitor's downloads.
 * @param {HTMLElement} el the explorable
 * @param {string} title gives the file its name
 */
export async function savePicture(el, title) {
  const blob = await photograph(el);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * Return a PNG that shows what an explorable looks like now, below its page's name and headline.
 * @param {HTMLElement} el
 * @returns {Promise<Blob>}
 */
export async function photograph(el) {
  const sheet = sheetOf(el);
  const { width, height } = sizeOf(sheet);
  const style = document.createElement("style");
  style.textContent = await styles();
  sheet.prepend(style);
  sheet.style.height = `${height}px`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<foreignObject width="100%" height="100%">${new XMLSerializer().serializeToString(sheet)}</foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: width * SCALE, height: height * SCALE });
  const context = canvas.getContext("2d");
  context.scale(SCALE, SCALE);
  context.drawImage(image, 0, 0);
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The picture is too large."))), "image/png"));
}

/** What the picture shows: the page's name and headline, a copy of the explorable, and the page's address. @param {HTMLElement} el */
export function sheetOf(el) {
  const sheet = document.createElement("div");
  sheet.className = "otb";
  sheet.dataset.theme = getComputedStyle(document.body).colorScheme === "dark" || isDark() ? "dark" : "light";
  sheet.style.cssText = `width: ${Math.ceil(el.getBoundingClientRect().width) + 2 * MARGIN}px; padding: ${MARGIN}px; overflow: hidden`;
  for (const node of document.querySelectorAll(".top, h1")) {
    const copy = /** @type {HTMLElement} */ (node.cloneNode(true));
    for (const button of copy.querySelectorAll("button")) button.remove();
    const { fontSize, margin } = getComputedStyle(node);
    Object.assign(copy.style, { fontSize, margin, padding: "0" });
    sheet.append(copy);
  }
  const foot = document.createElement("p");
  foot.style.cssText = "margin: 16px 0 0; color: var(--quiet)";
  foot.textContent = location.host + location.pathname;
  sheet.append(copyOf(el), foot);
  return sheet;
}

/** The size of an element that is not on the page. @param {HTMLElement} sheet */
function sizeOf(sheet) {
  const frame = document.createElement("div");
  frame.style.cssText = "position: fixed; left: -9999px; top: 0; visibility: hidden";
  frame.append(sheet);
  document.body.append(frame);
  const { width, height } = sheet.getBoundingClientRect();
  frame.remove();
  return { width: Math.ceil(width), height: Math.ceil(height) };
}

/** Whether an element is there only to be used, so that it says nothing in a picture: a fold, a form, an invitation such as
 * “drag me”, or a button that has only words. The chosen one of several buttons stays, because it says what the picture
 * shows. A button in a picture stays, too: it has more than words in it, or is a word of a text, or a number. @param {HTMLElement} node */
function isForUse(node) {
  if (node.matches("details, form, .own, .wake, [data-wake]")) return true;
  const plain = !node.firstElementChild && /\p{L}/u.test(node.textContent);
  if (!node.matches("button")) return plain && /^(drag|pull|turn) me\b/i.test(node.textContent);
  return plain && !node.matches(".chip, [aria-checked='true'], [aria-pressed='true']");
}

/** Copy an element without what is only there to be used. In the copy, canvases are images, and input fields show what was
 * typed. @param {HTMLElement} el */
function copyOf(el) {
  const copy = /** @type {HTMLElement} */ (el.cloneNode(true));
  copy.style.width = `${el.getBoundingClientRect().width}px`;
  copy.style.minHeight = "0";
  /** @type {(selector: string) => [any, any][]} */
  const pairs = (selector) => {
    const twins = copy.querySelectorAll(selector);
    return [...el.querySelectorAll(selector)].map((node, index) => [node, twins[index]]);
  };
  for (const [field, twin] of pairs("input, textarea, progress")) {
    twin.setAttribute("value", field.value);
    if (field.checked) twin.setAttribute("checked", "");
  }
  for (const [node, twin] of pairs("*")) {
    if (facesAway(node)) twin.style.visibility = "hidden"; // without this, the back of `node` would be seen in the SVG
    if (isForUse(node)) twin.style.display = "none";
  }
  for (const [canvas, twin] of pairs("canvas")) {
    const image = document.createElement("img");
    image.className = canvas.className;
    image.style.cssText = canvas.style.cssText;
    const box = canvas.getBoundingClientRect();
    image.style.width = `${canvas.offsetWidth || box.width}px`;
    image.style.height = `${canvas.offsetHeight || box.height}px`;
    image.src = canvas.toDataURL();
    twin.replaceWith(image);
  }
  return copy;
}

/** Whether an element can't be seen, because it faces away from the visitor and its back is hidden. @param {Element} node */
function facesAway(node) {
  if (getComputedStyle(node).backfaceVisibility !== "hidden") return false;
  let matrix = new DOMMatrix();
  for (let at = node; at; at = at.parentElement) {
    matrix = new DOMMatrix(getComputedStyle(at).transform).multiply(matrix);
    if (!at.parentElement || getComputedStyle(at.parentElement).transformStyle !== "preserve-3d") break;
  }
  return matrix.m33 < 0;
}

/** Return the text of all linked style sheets, with the fonts and pictures that they use written into the text. */
async function styles() {
  const sheets = [...document.styleSheets].filter((sheet) => sheet.href);
  const texts = await Promise.all(sheets.map(async (sheet) => {
    const text = await (await fetch(sheet.href)).text();
    const addresses = [...new Set([...text.matchAll(/url\("?([^")]+)"?\)/g)].map((match) => match[1]))];
    let whole = text;
    for (const address of addresses.filter((each) => !each.startsWith("data:"))) {
      whole = whole.replaceAll(address, await asData(new URL(address, sheet.href)));
    }
    return whole;
  }));
  return texts.join("\n");
}

/** @param {URL} address @returns {Promise<string>} the file as a data address */
async function asData(address) {
  const blob = await (await fetch(address)).blob();
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result)));
    reader.readAsDataURL(blob);
  });
}

function isDark() {
  return !document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches;
}
