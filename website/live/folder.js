// Runs an explorable when the website is opened from a folder, where a browser loads neither modules nor data.
// When the website is built, FILES gets their texts by name. The models in the pages need a server all the same.
(() => {
  /** @type {Object<string, string>} */
  const FILES = {};
  /** @type {Object<string, string>} */
  const made = {};

  /** The address of a module whose imports have such addresses, too. @param {string} name @returns {string} */
  function address(name) {
    made[name] ??= URL.createObjectURL(
      new Blob([FILES[name].replaceAll(/from "\.\/([\w.]+)"/g, (_, other) => `from "${address(other)}"`)], { type: "text/javascript" }),
    );
    return made[name];
  }

  const ordinary = globalThis.fetch;
  globalThis.fetch = (wanted, ...more) => {
    const name = String(wanted).split("/").pop();
    if (!(name in FILES)) return ordinary(wanted, ...more);
    return FILES[name].startsWith("data:") ? ordinary(FILES[name]) : Promise.resolve(new Response(FILES[name]));
  };
  const view = document.getElementById("view");
  view.dataset.view = address(view.dataset.view.replace("./", ""));
  import(address("page.js"));
})();
