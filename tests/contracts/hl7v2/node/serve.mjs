// Serves MLLP on 127.0.0.1:PORT with the server named first; says "up" when it does, and runs until it is ended.
const [name, port] = process.argv.slice(2);

const servers = {
  async medplum() {
    const { Hl7Server } = await import('@medplum/hl7');
    const server = new Hl7Server((connection) => {
      connection.addEventListener('message', ({ message }) => connection.send(message.buildAck()));
    });
    server.start(Number(port), undefined, true);
    await new Promise((resolve) => server.server.once('listening', resolve));
  },
  async simple() {
    const { default: hl7 } = await import('simple-hl7');
    const app = hl7.tcp();
    app.use((req, res) => res.end());
    app.start(Number(port));
  },
  async node() {
    const { Server } = await import('node-hl7-server');
    const inbound = new Server({ bindAddress: '127.0.0.1' }).createInbound({ port: Number(port) }, async (req, res) => {
      await res.sendResponse('AA');
    });
    await new Promise((resolve) => inbound.on('listen', resolve));
  },
};

await servers[name]();
console.log('up');
