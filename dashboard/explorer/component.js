// The explorer inside the dashboard: Python answers each choice with the chosen head's weights.

const explorers = new WeakMap();

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  let explorer = explorers.get(parentElement);
  if (!explorer) {
    explorer = new Explorer(parentElement.querySelector(".explorer"), {});
    explorers.set(parentElement, explorer);
  }
  explorer.host = { send: (look) => setStateValue("look", look) };
  if (data) explorer.receive(unpack(data));
  return () => {
    explorer.close();
    explorers.delete(parentElement);
  };
}
