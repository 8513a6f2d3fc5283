import { write } from './text.js';

const byId = (id) => document.getElementById(id);

function tell(text, kind = '') {
  const said = byId('explain-said');
  said.hidden = !text;
  said.className = `notice ${kind}`;
  write(said, text);
}

// explaining has the form ask what would become of a request. A path is one of the host that the page is of.
export function explaining(post) {
  byId('explain-url').placeholder = `${location.origin}/products/7`;
  byId('explain').addEventListener('submit', async (event) => {
    event.preventDefault();
    const asked = byId('explain-url').value.trim();
    const url = asked.startsWith('/') ? location.origin + asked : asked;
    const fields = byId('explain-fields').value.split('\n').map((line) => line.trim()).filter(Boolean);
    const text = byId('explain-text');
    text.hidden = true;
    tell('Looking it up…');
    try {
      const { status, said } = await post('explain', { url, fields });
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
