// Sends one message to 127.0.0.1:PORT with the client named first; prints what that client took for the answers.
import { readFileSync } from 'node:fs';

const [name, port, file] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');

const clients = {
  async medplum() {
    const { Hl7Message } = await import('@medplum/core');
    const { Hl7Client } = await import('@medplum/hl7');
    const client = new Hl7Client({ host: '127.0.0.1', port: Number(port) });
    const code = (message) => message.getSegment('MSA').getField(1).toString();
    const last = await client.sendAndWait(Hl7Message.parse(text), { returnAck: 'application' });
    const first = await client.sendAndWait(Hl7Message.parse(text), { returnAck: 'first' });
    await client.close();
    return { first: code(first), application: code(last) };
  },
  async simple() {
    const { default: hl7 } = await import('simple-hl7');
    const client = hl7.Server.createTcpClient('127.0.0.1', Number(port));
    const message = new hl7.Parser().parse(text.trimEnd());
    const ack = await new Promise((resolve, reject) => client.send(message, (error, answer) => (error ? reject(error) : resolve(answer))));
    client.close();
    return { first: ack.getSegment('MSA').getField(1) };
  },
  async node() {
    const { Client, Message } = await import('node-hl7-client');
    const client = new Client({ host: '127.0.0.1' });
    return new Promise((resolve, reject) => {
      const connection = client.createConnection({ port: Number(port) }, async (answer) => {
        const code = answer.getMessage().get('MSA.1').toString();
        await connection.close();
        resolve({ first: code });
      });
      connection.on('error', reject);
      connection.sendMessage(new Message({ text: text.trimEnd() })).catch(reject);
    });
  },
};

console.log(JSON.stringify(await clients[name]()));
process.exit(0);
