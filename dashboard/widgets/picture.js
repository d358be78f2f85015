// Two buttons that ask the picture on the page to save itself. The picture listens on the document, so the bar need
// not know what drew it.
export default function (component) {
  const { data, parentElement } = component;
  const bar = parentElement.querySelector(".bar");
  if (bar.childElementCount) return;
  for (const format of ["png", "svg"]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = format.toUpperCase();
    button.onclick = () =>
      document.dispatchEvent(new CustomEvent("bertoscope:save", { detail: { picture: data.picture, format } }));
    bar.append(button);
  }
}
