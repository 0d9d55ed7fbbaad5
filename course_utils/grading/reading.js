// When the button is pressed, saves the points and comments that were typed into this page as a CSV file. The
// command `course read-answers --enter` reads this file.
const answers = [...document.querySelectorAll("article")];
const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
const count = () => {
  const done = answers.filter((each) => each.querySelector("input").value !== "").length;
  document.getElementById("done").textContent = `${done} of ${answers.length} have points`;
};
let saved = true;
document.addEventListener("input", () => { saved = false; count(); });
window.addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });
document.getElementById("save").addEventListener("click", () => {
  const wrong = answers.map((each) => each.querySelector("input")).find((each) => !each.checkValidity());
  if (wrong) { wrong.reportValidity(); return; }
  const rows = answers.map((each) => [each.dataset.id, each.querySelector("input").value,
    each.querySelector("textarea").value].map(quoted).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([["id,points,comment", ...rows].join("\r\n") + "\r\n"], { type: "text/csv" }));
  link.download = document.body.dataset.table;
  link.click();
  saved = true;
});
count();
