import { write } from './text.js';

const byId = (id) => document.getElementById(id);

function tell(text, kind = '') {
  const said = byId('explain-said');
  said.hidden = !text;
  said.className = `notice ${kind}`;
  write(said, text);
}

// hasContent tells whether what answers a method is told apart by the content of the request.
const hasContent = (method) => method === 'QUERY' || method === 'POST';

// explaining has the form ask what would become of a request. A path is one of the host that the page is of.
export function explaining(post) {
  byId('explain-url').placeholder = `${location.origin}/products/7`;
  const chosen = byId('explain-method');
  const choose = () => { byId('explain-content-label').hidden = !hasContent(chosen.value); };
  chosen.addEventListener('change', choose);
  choose(); // a browser that goes back to the page keeps what was chosen
  byId('explain').addEventListener('submit', async (event) => {
    event.preventDefault();
    const asked = byId('explain-url').value.trim();
    const url = asked.startsWith('/') ? location.origin + asked : asked;
    const fields = byId('explain-fields').value.split('\n').map((line) => line.trim()).filter(Boolean);
    const method = chosen.value;
    const content = hasContent(method) ? byId('explain-content').value : '';
    const text = byId('explain-text');
    text.hidden = true;
    tell('Looking it up…');
    try {
      const { status, said } = await post('explain', { method, url, fields, content });
      if (status === 200) {
        write(text, said.text);
        text.hidden = false;
        tell('');
      } else tell(`That cannot be told (${status}): ${said.error ?? 'the program says no more'}`, 'bad');
    } catch (error) {
      tell(`That cannot be told, since no answer came (${error.message}).`, 'bad');
    }
  });
}
