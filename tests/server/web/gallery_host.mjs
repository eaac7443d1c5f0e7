// A host for the gallery page: just enough of a browser to run its script, told on stdin what the host says and answers.
// Prints what the page asked for and what is to be seen.
import {readFileSync} from "node:fs";
import vm from "node:vm";

const scene = JSON.parse(readFileSync(0, "utf8"));

class Element {
  constructor(tag) {
    Object.assign(this, {tag, attributes: {}, inside: [], dataset: {}});
    this.style = {setProperty: (name, value) => { this.style[name] = value }};
  }
  setAttribute(name, value) { this.attributes[name] = String(value) }
  get className() { return this.attributes.class ?? "" }
  set className(value) { this.attributes.class = value }
  get textContent() { return this.inside.map(part => part.textContent ?? part).join("") }
  set textContent(text) { this.inside = [text] }
  append(...parts) {
    for (const part of parts) if (part instanceof Element) part.parent = this;
    this.inside.push(...parts);
  }
  replaceChildren(...parts) { this.inside = []; this.append(...parts) }
  replaceWith(other) {
    this.parent.inside[this.parent.inside.indexOf(this)] = other;
    other.parent = this.parent;
  }
  remove() { this.parent.inside.splice(this.parent.inside.indexOf(this), 1) }
  focus() {}
  get all() { return [this, ...this.inside.filter(part => part instanceof Element).flatMap(part => part.all)] }
  querySelector(name) { return this.all.find(one => `.${one.className}` === name) ?? null }
  getBoundingClientRect() { return {height: 99.5} }
  shown() { return {tag: this.tag, ...this.attributes, inside: this.inside.map(part => part.shown?.() ?? part)} }
}

const root = new Element("html"), byId = {jobs: new Element("main"), said: new Element("p")}, head = new Element("head");
const asked = [], told = [], heard = [];
const page = scene.page;
root.dataset.home = /data-home="(.*?)"/.exec(page)[1];
const tell = data => { for (const listener of heard) listener({source: parent, data: {jsonrpc: "2.0", ...data}}) };
const parent = {
  postMessage(message) {
    const {id, method, params} = JSON.parse(JSON.stringify(message));
    if (id === undefined) return told.push(method), method === "ui/notifications/initialized" && scene.notes.forEach(tell);
    if (method === "ui/initialize") return queueMicrotask(() => tell({id, result: scene.host}));
    const key = params.name ?? params.uri ?? method, answers = scene.answers[key] ?? [];
    asked.push({[key]: params.arguments ?? null});
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer) queueMicrotask(() => tell({id, ...answer}));
  },
};
const world = {
  parent, document: {documentElement: root, head, createElement: tag => new Element(tag), getElementById: id => byId[id]},
  addEventListener: (name, listener) => heard.push(listener), setInterval: () => {}, console,
  setTimeout: done => setImmediate(done), ResizeObserver: class { constructor(f) { f() } observe() {} },
};
vm.runInNewContext(/<script>(.*)<\/script>/s.exec(page)[1], world);
const rest = () => new Promise(done => setTimeout(done, 20));
await rest();
for (const label of scene.clicks ?? []) {
  const button = byId.jobs.all.find(one => one.tag === "button" && one.textContent === label);
  await button.onclick();
  await rest();
}
const sizes = told.filter(method => method.endsWith("size-changed")).length;
const seen = {asked, told, sizes, said: byId.said.textContent, style: root.style, jobs: byId.jobs.shown()};
process.stdout.write(JSON.stringify(seen), () => process.exit(0));
