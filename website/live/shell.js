// Runs in all pages of the website except slides and handouts. Switches the theme, marks the lessons that a visitor has
// read, lets visitors share an explorable, and starts the service worker. This is a classic script, because a page that
// is opened from a folder can't load modules.
(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const root = new URL(script.dataset.root || "./", location.href);
  const fromFolder = location.protocol === "file:";

  /** Reads and writes what this browser stores about the visitor. These data are sent nowhere. */
  const memory = {
    /** @param {string} name @returns {Object<string, any>} */
    read(name) {
      try {
        return JSON.parse(localStorage.getItem(`open-the-box-${name}`) ?? "{}");
      } catch {
        return {}; // storage is off, or its text is not JSON
      }
    },
    /** @param {string} name @param {Object<string, any>} value */
    write(name, value) {
      try {
        localStorage.setItem(`open-the-box-${name}`, JSON.stringify(value));
      } catch {
        // Storage is off or full: the page works without it.
      }
    },
  };
  globalThis.openTheBox = { memory, root };

  document.getElementById("theme")?.addEventListener("click", () => {
    const chosen = document.documentElement.dataset.theme;
    const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("theme", dark ? "light" : "dark");
    } catch {
      // Storage is off: the theme lasts until the visitor leaves the page.
    }
  });

  hideAnswersFromSearch();
  showProgress();
  const share = /** @type {HTMLElement | null} */ (document.querySelector(".share"));
  if (share) offerSharing(share);
  if (fromFolder) startFromFolder();
  else if ("serviceWorker" in navigator) {
    const register = () => navigator.serviceWorker.register(new URL("worker.js", root)).catch(() => {});
    addEventListener("load", () => setTimeout(register, 3000)); // wait, so that everything that the visitor sees is loaded first
  }

  /** Remove code, quizzes, and parts that are hidden until a prediction is made from the texts that the search shows. */
  function hideAnswersFromSearch() {
    if (typeof Search === "undefined") return;
    const plain = Search.htmlToText;
    Search.htmlToText = (html, anchor) => {
      const page = new DOMParser().parseFromString(html, "text/html");
      for (const el of page.querySelectorAll(".no-search, .code > summary, [class*='veil-']")) el.remove();
      return plain(page.documentElement.outerHTML, anchor);
    };
  }

  /** On the front page, mark the lessons that have been read, and the lesson to continue with. */
  function showProgress() {
    const read = memory.read("read");
    const rows = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-lesson]"))];
    const begun = rows.filter((row) => row.dataset.lesson in read);
    if (!begun.length) return;
    for (const row of begun) {
      if (!read[row.dataset.lesson].done) continue;
      row.classList.add("done");
      row.append(Object.assign(document.createElement("span"), { className: "tick", textContent: "✓ read" }));
    }
    const last = begun.reduce((a, b) => (read[a.dataset.lesson].when > read[b.dataset.lesson].when ? a : b));
    const here = read[last.dataset.lesson].done ? (rows.slice(rows.indexOf(last)).find((row) => !row.classList.contains("done")) ?? null) : last;
    const where = /** @type {HTMLElement} */ (document.querySelector(".where"));
    const done = rows.filter((row) => row.classList.contains("done")).length;
    where.hidden = false;
    where.textContent = done === rows.length ? "You have read all of them." : `You have read ${done} of ${rows.length}.`;
    if (!here) return;
    here.classList.add("here");
    here.append(Object.assign(document.createElement("span"), { className: "tick", textContent: "← continue here" }));
    const start = /** @type {HTMLAnchorElement} */ (document.querySelector(".start"));
    start.href = here.querySelector("a").href;
    start.textContent = `Continue with lesson ${here.dataset.lesson.slice(0, 2)}`;
  }

  /** Show the row of buttons below an explorable, and make them work. @param {HTMLElement} row */
  function offerSharing(row) {
    row.hidden = false;
    const status = row.querySelector("[aria-live]");
    const here = () => location.href.replace("?embed", "");
    const embedded = () => {
      const address = new URL(here());
      address.search = "?embed";
      const height = Math.ceil(document.getElementById("view").getBoundingClientRect().height) + 40;
      return `<iframe src="${address}" title="${document.title}" width="100%" height="${height}" style="border: 0" loading="lazy"></iframe>`;
    };
    const whole = /** @type {HTMLAnchorElement | null} */ (document.querySelector(".whole a"));
    whole?.addEventListener("click", () => (whole.href = here()));

    /** @param {string} text @param {string} done */
    async function copy(text, done) {
      status.replaceChildren();
      try {
        await navigator.clipboard.writeText(text);
        status.textContent = done;
      } catch {
        const field = Object.assign(document.createElement("textarea"), { value: text, readOnly: true, rows: 3 });
        field.setAttribute("aria-label", "Copy this");
        status.append(field);
        field.select();
      }
    }
    const does = {
      link: () => copy(here(), "Copied. The link opens it just as you left it."),
      embed: () => copy(embedded(), "Copied: paste this code into a page of yours."),
      async picture() {
        status.textContent = "Taking the picture…";
        try {
          const { savePicture } = await import(`${root}explorables/live/photograph.js`);
          await savePicture(document.getElementById("view"), document.title);
          status.textContent = "Saved.";
        } catch (error) {
          console.error(error);
          status.textContent = "This browser can't take the picture: use a screenshot.";
        }
      },
    };
    for (const button of row.querySelectorAll("button")) {
      button.addEventListener("click", () => does[button.dataset.does]());
    }
  }

  /** Start an explorable that is opened from a folder. The script folder.js contains the explorable's modules and data. */
  function startFromFolder() {
    const view = document.getElementById("view");
    if (!view) return;
    if (view.dataset.weights) {
      document.body.classList.add("from-folder"); // without a server, the page can't load its model
      view.after("A model runs in this page only from a server: in the website's folder run python -m http.server, " +
        "then open http://localhost:8000.");
    }
    document.head.append(Object.assign(document.createElement("script"), { src: `${root}explorables/live/folder.js` }));
  }
})();
