import { write } from './text.js';

const byId = (id) => document.getElementById(id);

// kinds are what can be purged: how it is called, an example, and what a purge of it does.
const kinds = {
  paths: {
    example: '/products/7',
    does: (name) => `the responses stored for the path ${name}: of every host and query, for every client and language`,
  },
  prefixes: {
    example: '/blog/',
    does: (name) => (name === '/' ? 'the responses of all paths: everything that is stored of pages' : `the responses of all paths that begin with ${name}`),
    more: () => ' It takes a second where processes share the store; with a driver that keeps no log, all responses are removed.',
  },
  tags: {
    example: 'product:7',
    does: (name) => `the responses and the remembered values that are tagged ${name}, whatever their paths`,
  },
  namespaces: {
    example: 'shop',
    does: (name) => `the responses of the routes in the namespace ${name}, and the remembered values whose keys begin with ${name}:`,
    more: (name, soft) => (soft ? '' : ` Values put under such keys are removed, too, for which all keys of the store are looked through: that takes long where there are many.`),
  },
};

// sentence says what a purge will do.
function sentence(kind, name, soft) {
  const { does, more } = kinds[kind];
  const then = soft
    ? ' Each is served stale where its route allows that, and is asked for anew with the next request.'
    : ' Each next request for them runs its handler.';
  return `This ${soft ? 'makes stale' : 'removes'} ${does(name)}. It holds in all processes that share the store.${then}${more ? more(name, soft) : ''} It cannot be taken back.`;
}

// Purging is the form that purges, and the question before it does.
export class Purging {
  constructor(post) {
    this.post = post;
    this.dialog = byId('confirm');
    byId('purge-kind').addEventListener('change', () => byId('purge-name').setAttribute('placeholder', kinds[byId('purge-kind').value].example));
    byId('purge').addEventListener('submit', (event) => {
      event.preventDefault();
      this.ask();
    });
    byId('confirm-no').addEventListener('click', () => this.dialog.close());
    byId('confirm-yes').addEventListener('click', () => {
      this.dialog.close();
      this.purge();
    });
    this.dialog.addEventListener('close', () => byId('purge-name').focus());
  }

  show(may) {
    byId('purge-box').hidden = !may;
  }

  ask() {
    this.kind = byId('purge-kind').value;
    this.name = byId('purge-name').value;
    this.soft = byId('purge-soft').checked;
    this.tell('');
    write(byId('confirm-title'), `Purge ${this.name}?`);
    write(byId('confirm-text'), sentence(this.kind, this.name, this.soft));
    this.dialog.showModal();
    byId('confirm-no').focus();
  }

  async purge() {
    this.tell(`Purging ${this.name}…`);
    try {
      const { status, said } = await this.post('purge', { [this.kind]: [this.name], ...(this.soft && { soft: true }) });
      if (status === 200) this.tell(`${this.name} is ${this.soft ? 'stale' : 'purged'}.`, 'good');
      else if (status === 202) this.tell(`${this.name} is owed: the store does not take it yet. This process serves nothing of it, and goes on trying; others may serve it until then.`);
      else this.tell(`${this.name} is not purged (${status}): ${said.error ?? 'the program says no more'}`, 'bad');
    } catch (error) {
      this.tell(`It is not known whether ${this.name} is purged, since no answer came (${error.message}). To purge it again does no harm.`, 'bad');
    }
  }

  tell(text, kind = '') {
    const said = byId('purge-said');
    said.hidden = !text;
    said.className = `notice ${kind}`;
    write(said, text);
  }
}
