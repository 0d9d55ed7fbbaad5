// Slides and handouts: fits each stored picture to its box, and turns slides with the keys. A classic script, so that
// a deck opens from a folder.
(() => {
  const slides = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".slide")]);
  const root = document.documentElement;

  /** Zooms the slides to the window, and the pictures to their boxes: both boxes are measured in the same pixels. */
  function fit() {
    root.style.setProperty("--zoom", String(Math.min(innerWidth / 1280, innerHeight / 720)));
    for (const inner of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".fit"))) {
      inner.style.setProperty("--fit", "1");
      const box = /** @type {HTMLElement} */ (inner.parentElement).getBoundingClientRect();
      const own = inner.getBoundingClientRect();
      const scale = Math.min(box.width / own.width, box.height / own.height, 1.4);
      inner.style.setProperty("--fit", String(Math.floor(scale * 1000) / 1000));
    }
  }

  /** @param {number} place */
  function show(place) {
    const slide = slides[Math.max(0, Math.min(place, slides.length - 1))];
    slide.scrollIntoView({ block: "center", behavior: "instant" });
    history.replaceState(null, "", `#${slide.id}`);
  }

  /** Returns the place of the slide in the middle of the window. */
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
    else if (event.key === "End") show(slides.length - 1);
    else if (event.key === "n") {
      const notes = /** @type {HTMLDetailsElement[]} */ ([...document.querySelectorAll("details.notes")]);
      const open = !notes[0]?.open;
      for (const note of notes) note.open = open;
    } else if (event.key === "f") root.requestFullscreen?.();
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
