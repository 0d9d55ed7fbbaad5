// For slides and handouts: fits each stored picture to its box, and goes to another slide when a key is pressed.
// A classic script, because a page that is opened from a folder can't load modules.
(() => {
  const slides = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".slide")]);
  const root = document.documentElement;
  /** A second window with the same slides and their notes, or null before it is opened. @type {Window | null} */
  let beside = null;

  /** @param {string} place */
  const noted = (place) => `${location.href.split(/[?#]/)[0]}?notes#${place}`;

  if (location.search === "?notes") {
    root.classList.add("noted");
    for (const note of /** @type {NodeListOf<HTMLDetailsElement>} */ (document.querySelectorAll("details.notes"))) {
      note.open = true;
    }
  }

  /**
   * Zooms the slides to fit the window, and each picture to fit its box. A picture is measured again after it is
   * zoomed, because its lines of text may then break elsewhere.
   */
  function fit() {
    root.style.setProperty("--zoom", String(Math.min(innerWidth / 1280, innerHeight / 720)));
    for (const inner of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".fit"))) {
      inner.style.setProperty("--fit", "1");
      const box = /** @type {HTMLElement} */ (inner.parentElement).getBoundingClientRect();
      let scale = 1;
      for (let tries = 0; tries < 4; tries += 1) {
        const own = inner.getBoundingClientRect();
        const room = Math.min(box.width / own.width, box.height / own.height);
        if (tries && room >= 1) break;
        scale = Math.floor(Math.min(scale * room, 1.4) * 1000) / 1000;
        inner.style.setProperty("--fit", String(scale));
      }
    }
  }

  /** @param {number} place */
  function show(place) {
    const slide = slides[Math.max(0, Math.min(place, slides.length - 1))];
    slide.scrollIntoView({ block: "center", behavior: "instant" });
    history.replaceState(null, "", `#${slide.id}`);
    if (beside && !beside.closed) beside.location.replace(noted(slide.id));
  }

  /** Returns the index of the slide in the middle of the window. */
  function current() {
    const middle = innerHeight / 2;
    return Math.max(0, slides.findIndex((slide) => slide.getBoundingClientRect().bottom > middle));
  }

  const turns = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };
  addEventListener("keydown", (event) => {
    const within = event.target instanceof Element && event.target.closest("summary, a, audio");
    if (!slides.length || event.ctrlKey || event.metaKey || event.altKey || (event.key === " " && within)) return;
    if (event.key in turns) show(current() + turns[/** @type {keyof turns} */ (event.key)]);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(slides.findIndex((slide) => slide.querySelector("#verdicts"))); // the slide before the verdicts, or the last slide if the deck has none
    else if (event.key === "n") beside = open(noted(slides[current()].id), "notes", "popup,width=960,height=640");
    else if (event.key === "f") root.requestFullscreen?.();
    else return;
    event.preventDefault();
  });

  addEventListener("resize", () => {
    const place = current();
    fit();
    if (slides.length) slides[place].scrollIntoView({ block: "center", behavior: "instant" });
  });
  addEventListener("load", () => {
    fit();
    if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView({ block: "center" });
  });
  fit();
})();
