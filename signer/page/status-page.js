/** The status page's own script: inlined into the page, allowed by its hash. Everything from the signer is set as text. */
const validators = new Map();

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function lines(title, items) {
  const list = items.length === 0 ? ['none'] : items;
  return [
    element('h3', { textContent: title }),
    element('ul', {}, ...list.map((textContent) => element('li', { textContent }))),
  ];
}

function cardOf(name) {
  const known = validators.get(name);
  if (known !== undefined) return known;
  const title = element('h2', { id: `validator-${validators.size}` });
  const facts = element('div');
  const strip = element('ol', { className: 'strip' });
  strip.setAttribute('aria-label', `last heights of ${name}; arrow keys move`);
  const chosen = element('p', { className: 'chosen' });
  chosen.setAttribute('role', 'status');
  const latency = element('div', { className: 'latency' });
  const article = element('article', {}, title, strip, chosen, latency, facts);
  article.setAttribute('aria-labelledby', title.id);
  strip.addEventListener('keydown', (event) => move(event, strip));
  strip.addEventListener('focusin', ({ target }) => {
    for (const item of strip.children) item.tabIndex = item === target ? 0 : -1;
    chosen.textContent = target.getAttribute('aria-label');
  });
  document.querySelector('#validators').append(article);
  const card = { title, facts, strip, chosen, latency, alarms: [] };
  validators.set(name, card);
  return card;
}

function move(event, strip) {
  const items = [...strip.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: items.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  items[Math.min(Math.max(to, 0), items.length - 1)].focus();
}

/** An item stays the same element for as long as its height is shown: the focus stays with it. */
function drawStrip({ strip }, heights) {
  const items = new Map([...strip.children].map((item) => [item.dataset.height, item]));
  const wanted = new Set(heights.map(({ height }) => height));
  for (const [height, item] of items) if (!wanted.has(height)) item.remove();
  heights.forEach(({ height, state }, index) => {
    const item = items.get(height) ?? element('li', { tabIndex: -1 });
    item.dataset.height = height;
    item.className = state;
    const words = state === 'asked' ? 'signed here' : state.replaceAll('-', ' ');
    item.title = `height ${height}: ${words}`;
    item.setAttribute('aria-label', item.title);
    if (strip.children[index] !== item) strip.insertBefore(item, strip.children[index] ?? null);
  });
  if (strip.querySelector('[tabindex="0"]') === null && strip.lastElementChild !== null) {
    strip.lastElementChild.tabIndex = 0;
  }
}

function drawLatency({ latency }, times) {
  if (times.length === 0) {
    latency.replaceChildren(element('p', { textContent: 'nothing was signed since the start' }));
    return;
  }
  const newest = times.at(-1);
  const highest = Math.max(...times);
  const text = `signing time: ${newest} µs now, ${highest} µs at most`;
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 100 30');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', text);
  const line = document.createElementNS(namespace, 'polyline');
  const points = times.map((time, index) => {
    const x = times.length === 1 ? 100 : (index / (times.length - 1)) * 100;
    return `${x.toFixed(1)},${(29 - (time / highest) * 28).toFixed(1)}`;
  });
  line.setAttribute('points', points.join(' '));
  svg.append(line);
  latency.replaceChildren(element('p', { textContent: text }), svg);
}

function draw(validator) {
  const card = cardOf(validator.name);
  const { isReady, control, rotation } = validator;
  card.title.replaceChildren(
    `${validator.name} on ${validator.chainId}: `,
    element('span', {
      className: isReady ? 'ready' : 'not-ready',
      textContent: isReady ? 'ready' : 'not ready',
    }),
  );
  drawStrip(card, validator.strip);
  drawLatency(card, validator.latencyUs);
  const at = rotation.activationHeight === null ? '' : ` at height ${rotation.activationHeight}`;
  card.facts.replaceChildren(
    element('p', {
      textContent: `floor ${validator.floor}, chain ${validator.tip ?? 'not known'}, ${control}`,
    }),
    element('p', { textContent: `address ${validator.address}` }),
    element('p', { textContent: `rotation: ${rotation.state}${at}` }),
    ...lines(
      'Keys',
      validator.keys.map((key) => `${key.provider}: ${key.state}${key.isActive ? ', active' : ''}`),
    ),
    ...lines(
      'Nodes',
      validator.nodes.map(
        ({ name, state, tip }) => `${name}: ${state}${tip === null ? '' : `, at ${tip}`}`,
      ),
    ),
  );
  card.alarms = validator.alarms.map(
    ({ code, text, since }) => `${validator.name}: ${text} (${code}, since ${since})`,
  );
}

function drawAlarms() {
  const texts = [...validators.values()].flatMap(({ alarms }) => alarms);
  const list = document.querySelector('#alarms');
  if (list.dataset.shown === texts.join('\n') && texts.length > 0) return;
  list.dataset.shown = texts.join('\n');
  const items = texts.map((textContent) => element('li', { textContent, className: 'alarm' }));
  list.replaceChildren(...(items.length > 0 ? items : [element('li', { textContent: 'none' })]));
}

const live = document.querySelector('#live');
const source = new EventSource('/events');
source.addEventListener('picture', ({ data }) => {
  const picture = JSON.parse(data);
  const names = new Set(picture.validators.map(({ name }) => name));
  if ([...validators.keys()].some((name) => !names.has(name))) {
    validators.clear();
    document.querySelector('#validators').replaceChildren();
  }
  document.querySelector('#program').textContent = `${picture.version}, since ${picture.startedAt}`;
  for (const validator of picture.validators) draw(validator);
  drawAlarms();
  live.textContent = 'live';
});
source.addEventListener('validator', ({ data }) => {
  draw(JSON.parse(data).validator);
  drawAlarms();
});
source.addEventListener('error', () => {
  live.textContent = 'not connected; what is shown may be old';
});
