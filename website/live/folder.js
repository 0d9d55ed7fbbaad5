// Runs the explorable of a page that is opened from a folder (file:). For such a page, browsers load neither modules
// nor data files. So the build of the website writes the texts of modules and data into FILES, by file name. Models
// still need a server.
(() => {
  /** @type {Object<string, string>} */
  const FILES = {};
  /** @type {Object<string, string>} */
  const made = {};

  /** Make an address with the scheme `blob` for a module, and for each module that it imports. @param {string} name @returns {string} */
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
