"use strict";
// Shows /openapi.json. Everything becomes text nodes: nothing of the document is ever read as markup.

const METHODS = ["get", "post", "put", "patch", "delete"];

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function resolve(api, part) {
  if (!part || !part.$ref) return part;
  return part.$ref.replace("#/", "").split("/").reduce((found, key) => found[key], api);
}

/** A schema in one line, with links to the named ones. */
function brief(schema) {
  if (!schema) return ["nothing"];
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return [element("a", { href: `#schema-${name}`, textContent: name })];
  }
  if (schema.anyOf) return schema.anyOf.flatMap((each, at) => (at ? [" or ", ...brief(each)] : brief(each)));
  if (schema.type === "array") return ["list of ", ...brief(schema.items)];
  if (schema.enum) return [schema.enum.join(" | ")];
  const bounds = [];
  if (schema.minimum !== undefined) bounds.push(`from ${schema.minimum}`);
  if (schema.maximum !== undefined) bounds.push(`to ${schema.maximum}`);
  if (schema.maxLength !== undefined) bounds.push(`${schema.minLength ?? 0} to ${schema.maxLength} characters`);
  if (schema.pattern) bounds.push(schema.pattern);
  return [[schema.format ?? schema.type ?? "any value", ...bounds].join(" ")];
}

function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, ...[cell].flat()))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

function parameters(api, operation) {
  const rows = operation.parameters.map((each) => resolve(api, each)).map((each) => [
    element("code", { textContent: each.name }),
    each.in + (each.required ? ", required" : ""),
    [...brief(each.schema), each.description ? `: ${each.description}` : ""],
  ]);
  return rows.length ? table(["parameter", "where", "what"], rows) : null;
}

function responses(operation) {
  const rows = Object.entries(operation.responses).map(([status, response]) => {
    const bodies = Object.entries(response.content ?? {}).flatMap(([type, media]) => [`${type}: `, ...brief(media.schema), " "]);
    return [status, bodies.length ? bodies : "no body", (response["x-codes"] ?? []).join(", ")];
  });
  return table(["status", "body", "codes"], rows);
}

function operationView(api, path, method, operation) {
  const who = operation["x-role"] === "admin" ? "administrators" : operation["x-role"] ? "signed in" : "everybody";
  const body = operation.requestBody?.content["application/json"].schema;
  const title = element("summary", {},
    element("span", { className: "method", textContent: method.toUpperCase() }),
    element("code", { textContent: path }), ` ${operation.summary} `,
    element("span", { className: "soft", textContent: `(${who})` }));
  const view = element("details", { id: operation.operationId }, title, parameters(api, operation),
    body ? element("p", {}, "Body: ", ...brief(body)) : null, responses(operation));
  view.dataset.text = `${method} ${path} ${operation.summary}`.toLowerCase();
  return view;
}

function schemaView(name, schema) {
  const rows = Object.entries(schema.properties ?? {}).map(([field, each]) => [
    element("code", { textContent: field }),
    (schema.required ?? []).includes(field) ? "always" : "optional",
    brief(each),
  ]);
  const shape = rows.length ? table(["field", "", "what"], rows) : element("p", {}, ...brief(schema));
  return element("section", { id: `schema-${name}` }, element("h3", { textContent: name }), shape);
}

function show(api) {
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => item[each])) {
      const tag = item[method].tags[0] || "Other";
      groups.set(tag, [...(groups.get(tag) ?? []), operationView(api, path, method, item[method])]);
    }
  }
  const main = document.getElementById("reference");
  const about = element("p", { textContent: api.info.description });
  const sections = [...groups].map(([tag, views]) => element("section", {}, element("h2", { textContent: tag }), ...views));
  const schemas = Object.entries(api.components.schemas).map(([name, schema]) => schemaView(name, schema));
  main.replaceChildren(about, ...sections, element("h2", { textContent: "Schemas" }), ...schemas);
}

function search() {
  const wanted = document.getElementById("search").value.trim().toLowerCase();
  for (const view of document.querySelectorAll("details")) view.hidden = !view.dataset.text.includes(wanted);
}

async function start() {
  const status = document.getElementById("status");
  document.getElementById("search").addEventListener("input", search);
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  try {
    const answer = await fetch("/openapi.json");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
    status.textContent = "";
  } catch (error) {
    status.textContent = `The description cannot be read: ${error.message}`;
  }
}

start();
