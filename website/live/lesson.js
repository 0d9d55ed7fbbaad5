// For a lesson's page: folds code, marks printed tables, asks for predictions before it shows the answers, and stores what has been read.
(() => {
  const { memory } = globalThis.openTheBox;
  const article = /** @type {HTMLElement} */ (document.querySelector("article"));
  const lesson = location.pathname.split("/").pop().replace(/\.html$/, "");

  foldCode();
  markColumns();
  const veil = askFirst();
  openWhatIsLinked();
  keepMeaningsInSight();
  remember();
  document.documentElement.classList.add("ready");

  /** Close each cell's code, except code that the visitor left open last time. Add a button that shows or hides all code. */
  function foldCode() {
    const cells = [.../** @type {NodeListOf<HTMLDetailsElement>} */ (article.querySelectorAll("details.code"))];
    if (!cells.length) return;
    const state = memory.read("code");
    const open = new Set(state[lesson] ?? []);
    cells.forEach((cell, index) => (cell.open = state.all || open.has(index)));
    cells.forEach((cell, index) => cell.addEventListener("toggle", () => {
      if (cell.open) open.add(index);
      else open.delete(index);
      if (!memory.read("code").all) memory.write("code", { ...memory.read("code"), [lesson]: [...open] });
    }));
    const all = tool("");
    const name = () => (all.textContent = memory.read("code").all ? "Hide all code" : "Show all code");
    all.addEventListener("click", () => {
      const shown = !memory.read("code").all;
      memory.write("code", { ...memory.read("code"), all: shown });
      for (const cell of cells) cell.open = shown;
      name();
    });
    name();
  }

  /** Mark printed tables: output of which two lines or more have words with a wide gap between them. */
  function markColumns() {
    for (const printed of article.querySelectorAll(".cell_output pre")) {
      const gaps = printed.textContent.match(/^.*\S {2,}\S.*$/gm) ?? [];
      printed.classList.toggle("columns", gaps.length > 1);
    }
  }

  /** Move a term's explanation to the left if the window's right edge would cut it off. Hide explanations on Escape. */
  function keepMeaningsInSight() {
    for (const term of /** @type {NodeListOf<HTMLElement>} */ (article.querySelectorAll(".term"))) {
      const meaning = /** @type {HTMLElement} */ (term.querySelector(".meaning"));
      const place = () => {
        term.classList.remove("shut");
        meaning.style.left = "0";
        meaning.style.left = `${Math.min(0, document.documentElement.clientWidth - 12 - meaning.getBoundingClientRect().right)}px`;
      };
      term.addEventListener("pointerenter", place);
      term.addEventListener("focusin", place);
    }
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      for (const term of article.querySelectorAll(".term")) term.classList.add("shut");
    });
  }

  /** Add a button to the row above the lesson's first cell. @param {string} text */
  function tool(text) {
    const row = article.querySelector(".tools");
    return row.appendChild(Object.assign(document.createElement("button"), { type: "button", textContent: text }));
  }

  /** Show each question as a form. Hide what comes after a question until the visitor guesses, or asks to see the answer. */
  function askFirst() {
    const forms = [.../** @type {NodeListOf<HTMLFormElement>} */ (article.querySelectorAll("form.prediction"))];
    const keys = new Set(forms.map((form) => form.dataset.key));
    const given = memory.read("predictions");
    const veiled = [...article.querySelectorAll("[class*='veil-']")].map((el) => ({
      el,
      keys: [...el.classList].filter((name) => name.startsWith("veil-")).map((name) => name.slice(5)),
    }));
    const draw = () => {
      for (const { el, keys: needed } of veiled) {
        el.classList.toggle("unveiled", needed.every((key) => key in given || !keys.has(key)));
      }
      for (const form of forms) drawForm(form, given[form.dataset.key]);
      for (const el of article.querySelectorAll(".yours")) el.textContent = compared(el, given[el.dataset.key]);
    };
    const keep = (key, guess) => {
      given[key] = guess;
      memory.write("predictions", { ...memory.read("predictions"), [key]: guess });
      draw();
    };
    for (const form of forms) {
      form.hidden = false;
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        const field = form.querySelector("input");
        const guess = field ? field.value.trim() : event.submitter.value;
        const problem = field && problemOf(guess, field.parentElement.textContent.trim());
        if (problem) {
          form.querySelector(".reply").textContent = problem;
          return;
        }
        keep(form.dataset.key, guess);
      });
      form.querySelector(".show").addEventListener("click", () => keep(form.dataset.key, null));
    }
    draw();
    if (forms.length) {
      tool("Show all answers").addEventListener("click", () => {
        for (const { dataset } of forms) if (!(dataset.key in given)) keep(dataset.key, null);
      });
    }
    return { show: (key) => keep(key, given[key] ?? null), of: (el) => veiled.find((each) => each.el.contains(el))?.keys ?? [] };
  }

  /** Return what is wrong with a number that was typed, or "". @param {string} unit the words beside the field, such as "of 36" or "from 0 to 1" */
  function problemOf(guess, unit) {
    const value = readNumber(guess, unit);
    if (value === null) return "This is not a number: type one such as 40, 1,000 or 2.5.";
    const [, lowest, highest] = unit.match(/^from (\S+) to (\S+)$/) ?? [null, "0", unit.match(/^of ([\d,]+)$/)?.[1]];
    const isOut = highest && (value < readNumber(lowest) || value > readNumber(highest));
    return isOut ? `Type a number from ${lowest} to ${highest}.` : "";
  }

  /**
   * @param {HTMLFormElement} form
   * @param {string | null | undefined} guess null: the visitor wants the answer without a guess; undefined: no guess yet
   */
  function drawForm(form, guess) {
    const field = form.querySelector("input");
    if (field && guess) field.value = guess;
    for (const button of form.querySelectorAll(".guesses button[value]")) {
      button.setAttribute("aria-pressed", String(button.value === guess));
    }
    form.classList.toggle("answered", guess !== undefined);
    form.querySelector(".show").hidden = guess !== undefined;
    form.querySelector(".reply").textContent = guess ? "Your guess is kept in this browser. Read on to see." : "";
  }

  /** Return a sentence that compares a guess with the answer, which the page states behind it. Without a guess, return "". */
  function compared(el, guess) {
    if (!guess) return "";
    const actual = el.dataset.actual;
    const [first, ...unit] = actual.split(" ");
    const [guessed, found] = [readNumber(guess, unit.join(" ")) ?? readNumber(guess, unit[0]), readNumber(first)];
    if (guessed === null || found === null) {
      const chosen = guess.replace(/[ .]+$/, "");
      return chosen === actual ? "Your prediction was right. " : `You predicted: ${chosen}. `;
    }
    return `You predicted ${guess}${howFar(guessed, found, actual)} `;
  }

  /** @param {string} words the answer with its unit, such as "25%" or "3 marks" */
  function howFar(guessed, actual, words) {
    if (guessed === actual) return ": exactly right.";
    // On a scale with an end, a difference says more than a ratio. And there is no ratio to a number that is not above 0.
    if (guessed <= 0 || actual <= 0 || /%$| (points|marks|of [\d,]+)\b/.test(words)) {
      const apart = Number(Math.abs(actual - guessed).toPrecision(4));
      return `: the answer is ${apart}${words.endsWith("%") ? " percentage points" : ""} ${actual > guessed ? "more" : "less"}.`;
    }
    const factor = Math.max(actual / guessed, guessed / actual);
    if (factor <= 1.1) return `: close, within ${Math.max(1, Math.round((100 * Math.abs(actual - guessed)) / actual))}%.`;
    const times = factor < 10 ? factor.toFixed(1) : Math.round(factor).toLocaleString("en-US");
    return actual > guessed ? `: the answer is ${times} times that.` : `: ${times} times the answer.`;
  }

  /** Return the number in a text such as "40", "1,000", "0,5", "25 %", "134M" or "1 token", or null. A notebook reads numbers alike. @param {string} text */
  function readNumber(text, unit = "") {
    let typed = text.toLowerCase().replaceAll(/[\s_]/g, "");
    const own = unit.toLowerCase().replaceAll(/[\s_]/g, "");
    for (const ending of [own, own.replace(/s$/, ""), "%"]) {
      if (ending && typed.endsWith(ending)) typed = typed.slice(0, -ending.length);
    }
    const parts = typed.match(/^([-+]?[\d.,]*\d(?:e[-+]?\d+)?)(k|m|b|bn|thousand|million|billion)?$/);
    if (!parts) return null;
    const grouped = /^[-+]?(?!0,)\d{1,3}(,\d{2,3})*,\d{3}(?!\d)/.test(parts[1]);
    const scale = { k: 1e3, t: 1e3, m: 1e6, b: 1e9 }[parts[2]?.[0]] ?? 1;
    const value = scale * Number(parts[1].replaceAll(",", grouped ? "" : "."));
    return Number.isFinite(value) ? value : null;
  }

  /** If the page's address points to a part that is hidden until questions are answered, show this part. */
  function openWhatIsLinked() {
    const open = () => {
      const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
      const keys = target ? veil.of(target) : [];
      keys.forEach(veil.show);
      if (keys.length) target.scrollIntoView();
    };
    addEventListener("hashchange", open);
    open();
  }

  /** Store, for the front page, when the lesson was opened and whether the visitor has scrolled to its last section. */
  function remember() {
    if (!/^\d\d_/.test(lesson)) return;
    const note = (more) => memory.write("read", { ...memory.read("read"), [lesson]: { ...memory.read("read")[lesson], when: Date.now(), ...more } });
    note({});
    const end = document.querySelector("article section section:last-of-type") ?? article.lastElementChild;
    new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && note({ done: true })).observe(end);
  }
})();
