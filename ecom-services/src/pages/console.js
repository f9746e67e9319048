"use strict";
// The operators' console. Tokens live in this script's memory alone and end with the page. What the shop says becomes
// text nodes, never markup: a product may be called anything.

const API = "/api/v1";
const STATES = ["", "pending", "processing", "completed", "failed", "cancelled"];
const session = { access: null, refresh: null };

const byId = (id) => document.getElementById(id);

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

function say(text, isBad = false) {
  byId("status").textContent = text;
  byId("status").className = isBad ? "bad" : "";
}

// ---- the API

class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ? `${problem.detail} (${problem.code})` : `the shop answered ${status}`);
    this.status = status;
  }
}

async function exchange(method, path, body) {
  const headers = {};
  if (session.access) headers.Authorization = `Bearer ${session.access}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(API + path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const text = await answer.text();
  let data = {};
  try {
    data = text ? JSON.parse(text) : {};
  } catch {
    if (answer.ok) throw new Error("the answer cannot be read");
  }
  if (!answer.ok) throw new Refused(answer.status, data);
  return data;
}

/** Asks, with a new access token when the old one has run out. */
async function ask(method, path, body) {
  try {
    return await exchange(method, path, body);
  } catch (error) {
    if (error.status !== 401 || !session.refresh) throw error;
    await renew();
    return exchange(method, path, body);
  }
}

let renewing = null;

/** One exchange of the refresh token at a time: each can be used once. */
function renew() {
  renewing ??= exchange("POST", "/users/token", { refresh_token: session.refresh })
    .then(hold)
    .catch((error) => { if (error.status === 401) signOut(); throw error; })
    .finally(() => { renewing = null; });
  return renewing;
}

function hold(signedIn) {
  session.access = signedIn.access_token;
  session.refresh = signedIn.refresh_token;
}

// ---- signing in and out

async function signIn(event) {
  event.preventDefault();
  const body = { email: byId("email").value, password: byId("password").value };
  const signedIn = await exchange("POST", "/users/login", body);
  byId("password").value = "";
  if (signedIn.user.role !== "admin") {
    await exchange("POST", "/users/logout", { refresh_token: signedIn.refresh_token });
    throw new Error("this account is no administrator's");
  }
  hold(signedIn);
  setSignedIn(true);
  await open("orders");
}

function signOut() {
  const refresh = session.refresh;
  session.access = session.refresh = null;
  setSignedIn(false);
  if (refresh) exchange("POST", "/users/logout", { refresh_token: refresh }).catch(() => {});
}

function setSignedIn(isSignedIn) {
  byId("sign-in").hidden = isSignedIn;
  byId("views").hidden = byId("view").hidden = !isSignedIn;
  byId("view").replaceChildren();
  if (!isSignedIn) byId("email").focus();
}

// ---- small parts

/** Runs what a person asked for, and tells what goes wrong. */
function run(action) {
  return async (event) => {
    say("…");
    try {
      const said = await action(event);
      say(typeof said === "string" ? said : "");
    } catch (error) {
      say(error.message, true);
    }
  };
}

const button = (text, action) => element("button", { type: "button", textContent: text, onclick: run(action) });
const money = (amount) => (amount ? `${amount.amount} ${amount.currency}` : "");
const time = (text) => (text ? new Date(text).toLocaleString() : "");

function table(heads, rows, none) {
  if (!rows.length) return element("p", { className: "soft", textContent: none });
  const head = element("tr", {}, heads.map((text) => element("th", { scope: "col", textContent: text })));
  const body = rows.map((cells) => element("tr", {}, cells.map((cell) => element("td", {}, cell))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, body));
}

function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("table", {}, element("tbody", {}, rows.map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row", textContent: name }), element("td", {}, String(value))))));
}

function show(title, ...parts) {
  const view = byId("view");
  view.replaceChildren(element("h2", { textContent: title }), ...parts.flat());
  view.focus();
}

/** A list that grows page by page. */
async function pages(path, heads, row, none) {
  const place = element("div", {});
  const rows = [];
  const more = async (cursor) => {
    const mark = path.includes("?") ? "&" : "?";
    const page = await ask("GET", `${path}${mark}limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    rows.push(...page.items.map(row));
    place.replaceChildren(table(heads, rows, none),
      page.next_cursor ? button("More", () => more(page.next_cursor)) : "");
  };
  await more("");
  return place;
}

/** A reason, and what can be done with it. */
function operate(choices) {
  const reason = element("input", { required: true, maxLength: 500 });
  const given = () => {
    if (!reason.value.trim()) {
      reason.focus();
      throw new Error("say why: the reason is kept");
    }
    return { reason: reason.value };
  };
  const buttons = choices.map(([text, path, after]) => button(text, async () => {
    await ask("POST", path, given());
    await after();
    return `${text}: done`;
  }));
  const form = element("form", {}, element("label", {}, "Reason ", reason), buttons);
  form.onsubmit = (event) => event.preventDefault();
  return form;
}

// ---- views

async function orders(state = "") {
  const choice = element("select", {}, STATES.map((each) =>
    element("option", { value: each, textContent: each || "all", selected: each === state })));
  choice.onchange = run(() => orders(choice.value));
  const id = element("input", { size: 36, autocomplete: "off" });
  const find = element("form", {}, element("label", {}, "State ", choice),
    element("label", {}, "Order id ", id), element("button", { textContent: "Open" }));
  find.onsubmit = run(async (event) => {
    event.preventDefault();
    await order(id.value.trim());
  });
  const row = (each) => [button(each.id, () => order(each.id)), each.status, money(each.total_amount),
    each.failure ? each.failure.code : "", time(each.created_at)];
  const list = await pages(`/orders${state ? `?status=${state}` : ""}`, ["order", "state", "total", "why", "placed"],
    row, "There are no such orders.");
  show("Orders", find, list);
}

async function order(id) {
  const path = encodeURIComponent(id);
  const [summary, timeline, saga] = await Promise.all([
    ask("GET", `/orders/${path}/summary`),
    ask("GET", `/orders/${path}/timeline`),
    ask("GET", `/admin/sagas/${path}`),
  ]);
  const part = (name, view) => [element("h3", { textContent: name }), summary[name].status !== "ok"
    ? element("p", { className: "bad", textContent: "This service does not answer." })
    : summary[name].data ? view(summary[name].data) : element("p", { className: "soft", textContent: "None." })];
  show(`Order ${id}`,
    part("order", (it) => [
      facts([["state", it.status], ["total", money(it.total_amount)], ["customer", it.user_id],
        ["failed because", it.failure && `${it.failure.code}: ${it.failure.detail}`], ["placed", time(it.created_at)]]),
      table(["product", "pieces", "price"], it.items.map((line) =>
        [`${line.name} (${line.sku})`, String(line.quantity), money(line.line_total)]), ""),
    ]).flat(),
    element("h3", { textContent: "saga" }), sagaFacts(saga),
    element("h3", { textContent: "timeline" }),
    table(["when", "what", "from", "to", "detail"], timeline.items.map((line) =>
      [time(line.at), line.event, line.from ?? "", line.to, line.detail ?? ""]), "Nothing yet."),
    part("payment", (it) => [
      facts([["state", it.status], ["amount", money(it.amount)], ["captured", money(it.captured)],
        ["refunded", money(it.refunded)], ["provider", it.provider], ["reference", it.provider_reference]]),
      table(["when", "what", "result", "amount"], it.transactions.map((line) =>
        [time(line.at), line.type, line.status, money(line.amount)]), "No transactions."),
    ]).flat(),
    part("reservation", (it) => facts([["state", it.state], ["since", time(it.created_at)]])),
    part("notifications", (it) => table(["subject", "channel", "state", "sent"], it.map((notice) =>
      [notice.subject, notice.channel, notice.status, time(notice.sent_at)]), "None.")));
}

function sagaFacts(saga) {
  const owed = saga.owed.map((each) => `${each.debt}: ${each.standing}`).join(", ");
  const parts = [facts([["state", saga.state], ["waits for", saga.waits_for ?? "nothing"], ["owed", owed || "nothing"],
    ["asked again", saga.repeats], ["needs attention", saga.attention]])];
  if (saga.needs_attention) {
    const path = `/admin/sagas/${saga.order_id}`;
    const again = () => order(saga.order_id);
    parts.push(operate([["Retry", `${path}/retry`, again], ["Resolve", `${path}/resolve`, again]]));
  }
  return element("div", {}, parts);
}

async function sagas() {
  const row = (each) => [button(each.order_id, () => order(each.order_id)), each.state, each.attention ?? "",
    String(each.repeats), time(each.updated_at)];
  show("Needs attention", await pages("/admin/sagas?state=needs_attention",
    ["order", "state", "why", "asked again", "since"], row, "No saga needs attention."));
}

async function letters() {
  const row = (each) => {
    const path = `/admin/dead-letters/${each.id}`;
    const queue = `?queue=${encodeURIComponent(each.queue)}`;
    const content = element("details", {}, element("summary", {}, each.id), element("pre", { textContent: each.body }));
    return [content, each.queue, each.event_type, `${each.reason} (${each.attempts} attempts)`, time(each.buried_at),
      operate([["Replay", `${path}/replay${queue}`, letters], ["Discard", `${path}/discard${queue}`, letters]])];
  };
  show("Dead letters", await pages("/admin/dead-letters",
    ["message", "queue", "event", "given up because", "when", "what to do"], row, "There are no dead letters."));
}

async function stock() {
  const row = (each) => [button(each.sku, () => product(each)), each.name, money(each.price), String(each.available),
    each.is_active ? "for sale" : "not for sale"];
  show("Stock", await pages("/products", ["product", "name", "price", "available", ""], row, "There are no products."));
}

async function product(it) {
  const path = `/products/${it.id}`;
  const [level, log] = await Promise.all([
    ask("GET", `${path}/stock`),
    pages(`${path}/movements`, ["when", "what", "pieces", "reason"], (each) =>
      [time(each.at), each.kind, String(each.delta), each.reason], "Nothing moved yet."),
  ]);
  show(`${it.sku}: ${it.name}`,
    facts([["on hand", level.on_hand], ["reserved", level.reserved], ["available", level.available],
      ["sold", level.committed]]),
    element("h3", { textContent: "movements" }), log);
}

const VIEWS = { orders: () => orders(), sagas, letters, stock };

async function open(name) {
  for (const each of document.querySelectorAll("[data-view]")) {
    if (each.dataset.view === name) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  await VIEWS[name]();
}

byId("sign-in").addEventListener("submit", run(signIn));
byId("sign-out").addEventListener("click", signOut);
for (const each of document.querySelectorAll("[data-view]")) each.addEventListener("click", run(() => open(each.dataset.view)));
