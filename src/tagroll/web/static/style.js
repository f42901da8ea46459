// Style sheets that the first screen does not need, once each; ready when the promise is.

const asked = new Map();

export function style(path) {
  if (!asked.has(path)) {
    asked.set(path, new Promise((resolve, reject) => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.href = `/static/${path}`;
      link.onload = resolve;
      // As an import fails: lazy.js takes both for a server that is gone.
      link.onerror = () => asked.delete(path) && reject(new TypeError(`${path} did not come`));
      document.head.append(link);
    }));
  }
  return asked.get(path);
}
