"use strict";
const photos = document.getElementById("photos");
const fields = Array.from(photos.querySelectorAll("input"));
const count = document.getElementById("count");
const kept = "tagroll " + photos.dataset.folder + " " + photos.dataset.file;

const words = (field) => field.value.split(/[,;]/).map((word) => word.trim()).filter(Boolean);

const labels = () => ({
  photos: photos.dataset.folder,
  files: Object.fromEntries(fields.map((field) => [field.dataset.name, words(field)])),
});

const show = () => {
  const done = fields.filter((field) => words(field).length).length;
  count.textContent = done + " of " + fields.length;
};

// A browser may refuse to keep anything for a local page; then only saving keeps the work.
const remember = () => { try { localStorage.setItem(kept, JSON.stringify(labels().files)); } catch { } };
const recall = () => { try { return JSON.parse(localStorage.getItem(kept)) ?? {}; } catch { return {}; } };

const before = recall();
for (const field of fields) {
  field.value = (before[field.dataset.name] ?? []).join(", ");
  field.addEventListener("input", () => { show(); remember(); });
}
document.getElementById("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(labels(), null, 1)], { type: "application/json" }));
  link.download = photos.dataset.file;
  link.click();
});
show();
