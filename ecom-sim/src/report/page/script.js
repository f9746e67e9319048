(() => {
  const all = (what, from = document) => [...from.querySelectorAll(what)];
  const byId = id => document.getElementById(id);
  const data = JSON.parse(byId('data').textContent);
  const rows = all('#rows .row'), film = byId('film'), svg = byId('rows'), scrub = byId('scrub');
  const last = data.first + data.scenes.length - 1;
  const open = new Set();
  let now = data.now;

  // Rows, one below the other; what is folded has the place of its fold.
  const layout = () => {
    const at = new Map();
    let y = 0, fold = 0;
    for (const row of rows) {
      const own = row.dataset, hidden = own.in !== undefined && !open.has(own.in);
      row.style.display = hidden ? 'none' : '';
      if (hidden) { at.set(+own.n, fold); continue; }
      row.setAttribute('transform', `translate(0 ${y + 13})`);
      if (row.classList.contains('fold')) {
        fold = y + 13;
        for (let n = +own.n; n <= +own.to; n++) at.set(n, fold);
      } else at.set(+own.n, y + 13);
      y += +own.h;
    }
    for (const it of all('[data-a]', svg)) {
      const a = at.get(+it.dataset.a) ?? 0, b = at.get(+it.dataset.b) ?? 0;
      if (it.tagName === 'rect') {
        it.setAttribute('y', a);
        it.setAttribute('height', Math.max(b - a, 13));
      } else {
        const [from, to] = it.dataset.x.split(' ');
        it.style.display = a === b ? 'none' : '';
        it.setAttribute('d', `M${from},${a}L${to},${b}`);
      }
    }
    const box = svg.viewBox.baseVal;
    svg.setAttribute('viewBox', `0 0 ${box.width} ${y}`);
    for (const it of all('.lane', svg)) it.setAttribute('d', it.getAttribute('d').replace(/V.*/, 'V' + y));
  };

  const visible = () => rows.filter(it => it.style.display !== 'none' && !it.classList.contains('fold')).map(it => +it.dataset.n);
  const text = (tag, value, from) => { const it = from.appendChild(document.createElement(tag)); it.textContent = value; return it; };

  const cards = () => {
    const held = new Map(), changed = new Map(), { keys, words } = data;
    for (let i = 0; i < data.start.length; i += 2) held.set(data.start[i], data.start[i + 1]);
    for (let n = data.first; n <= now; n++) {
      const list = data.scenes[n - data.first];
      for (let i = 0; i < list.length; i += 2) {
        if (n === now) changed.set(list[i], list[i + 1]);
        else if (list[i + 1] < 0) held.delete(list[i]);
        else held.set(list[i], list[i + 1]);
      }
    }
    const box = byId('cards');
    box.replaceChildren();
    data.groups.forEach((name, group) => {
      const own = keys.map((_, key) => key).filter(key => keys[key][0] === group && (held.has(key) || changed.has(key)));
      if (!own.length) return;
      own.sort((a, b) => keys[a][3] - keys[b][3] || a - b);
      const card = box.appendChild(document.createElement('article'));
      text('h4', name, card);
      const table = card.appendChild(document.createElement('table'));
      let subject = '';
      for (const key of own) {
        if (keys[key][1] !== subject) {
          subject = keys[key][1];
          text('th', subject, table.insertRow()).colSpan = 2;
        }
        const row = table.insertRow();
        text('td', keys[key][2], row);
        const cell = row.insertCell();
        if (!changed.has(key)) { cell.textContent = words[held.get(key)]; continue; }
        row.className = 'new';
        if (held.has(key)) { text('s', words[held.get(key)], cell); cell.append(' → '); }
        text('b', changed.get(key) < 0 ? 'gone' : words[changed.get(key)], cell);
      }
      const first = card.querySelector('.new');
      if (first) card.scrollTop = first.offsetTop - card.clientHeight / 2;
    });
  };

  const show = (n, scroll = true) => {
    now = Math.max(data.first, Math.min(last, n));
    scrub.value = now;
    let chosen = null;
    for (const it of rows) {
      const own = it.dataset, fold = it.classList.contains('fold');
      const is = fold ? own.n <= now && now <= +own.to && !open.has(own.fold) : +own.n === now;
      it.classList.toggle('now', is);
      if (is) chosen = it;
    }
    const item = byId('e' + now);
    byId('at').textContent = item ? item.textContent.replace(/^step (\d+), (\S+ s)/, 'Step $1, $2:') : '';
    cards();
    if (chosen && scroll) {
      const box = film.getBoundingClientRect(), row = chosen.getBoundingClientRect();
      if (row.top < box.top + 30 || row.bottom > box.bottom) film.scrollTop += row.top - box.top - box.height / 2;
    }
  };

  const go = (by, every) => {
    if (every) return show(now + by);
    const list = visible();
    const next = by > 0 ? list.find(n => n > now) : list.findLast(n => n < now);
    if (next !== undefined) show(next);
  };
  const toggle = row => {
    const fold = row.dataset.fold;
    if (fold === undefined) return;
    if (!open.delete(fold)) open.add(fold);
    row.querySelector('.sign').textContent = open.has(fold) ? '▾' : '▸';
    row.setAttribute('aria-expanded', open.has(fold));
    layout();
    show(now, false);
  };
  const to = { first: () => show(data.first), last: () => show(last), back: () => go(-1), next: () => go(1) };

  document.addEventListener('keydown', e => {
    if (e.altKey || e.ctrlKey || e.metaKey) return;
    const fold = document.activeElement?.closest?.('.fold');
    if (fold && (e.key === 'Enter' || e.key === ' ')) toggle(fold);
    else if (e.key === 'ArrowRight') go(1, e.shiftKey);
    else if (e.key === 'ArrowLeft') go(-1, e.shiftKey);
    else if (e.key === 'Home') to.first();
    else if (e.key === 'End') to.last();
    else return;
    e.preventDefault();
  });
  for (const row of rows) row.addEventListener('click', () => row.classList.contains('fold') ? toggle(row) : show(+row.dataset.n, false));
  for (const it of all('[data-go]')) it.addEventListener('click', to[it.dataset.go]);
  scrub.min = data.first;
  scrub.addEventListener('input', () => show(+scrub.value));
  for (const it of all('[data-copy]')) it.addEventListener('click', async () => {
    const from = byId(it.dataset.copy);
    try { await navigator.clipboard.writeText(from.textContent); it.textContent = 'Copied'; }
    catch { getSelection().selectAllChildren(from); it.textContent = 'Selected'; }
  });
  addEventListener('beforeprint', () => all('details:not(#all)').forEach(it => { it.open = true; }));
  layout();
  show(now);
})();
