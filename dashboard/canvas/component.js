// A Streamlit component from a class: one object for each place on the page, fed with each new `data`.

/** `make(root, send)` gives the object; `send(name, value)` tells Python. It has `receive(data)` and `close()`. */
function component(selector, make) {
  const living = new WeakMap();
  return ({ data, parentElement, setStateValue }) => {
    let one = living.get(parentElement);
    if (!one) {
      const host = {};
      one = { host, object: make(parentElement.querySelector(selector), (name, value) => host.send(name, value)) };
      living.set(parentElement, one);
    }
    one.host.send = setStateValue;
    if (data) one.object.receive(data);
    return () => {
      one.object.close();
      living.delete(parentElement);
    };
  };
}
