// The official TypeScript client of MCP, driven through a pipe: each line says what to do and is answered by a line.
import { createInterface } from "node:readline";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { createTaskSessionFromClient } from "@modelcontextprotocol/ext-tasks/client";

const me = { name: "drive", version: "1.0.0" };
const replies = {
  yes: { action: "accept", content: { proceed: true } },
  no: { action: "decline" },
};
const silence_ms = 1500;
let client, transport, capabilities, session, execution, questions, reply;

/** What the person says whom the server asks; of one who is silent the client has enough some time. */
function answer(question) {
  questions.push(question);
  const silence = (_, end) => setTimeout(end, silence_ms, new Error("nobody answered"));
  return replies[reply] ?? new Promise(silence);
}

/** A way past the client over its own connection, for answers of a shape that it does not know: tasks. */
function past(connection) {
  const waiting = new Map();
  const { onmessage } = connection;
  connection.onmessage = (message, extra) => (waiting.get(message.id) ?? onmessage)(message, extra);
  return (request) =>
    new Promise((resolve, reject) => {
      const id = `past-${waiting.size}`;
      waiting.set(id, ({ result, error }) => resolve(error ? { kind: "error", error } : { kind: "result", result }));
      connection.send({ jsonrpc: "2.0", id, ...request }).catch(reject);
    });
}

const steps = {
  /** Connect to a server, at an address or as a process; `asks`: there is somebody whom it can ask. */
  async open({ url, command, negotiation, asks }) {
    capabilities = asks ? { elicitation: { form: {} } } : {};
    client = new Client(me, { capabilities, versionNegotiation: { mode: negotiation } });
    if (asks) client.setRequestHandler("elicitation/create", ({ params }) => answer(params.message));
    transport = url ? new StreamableHTTPClientTransport(new URL(url)) : new StdioClientTransport(command);
    await client.connect(transport);
    await client.listTools(); // from now on each answer is checked against its tool's schema
    return { era: client.getProtocolEra() };
  },

  /** Call a tool and wait for its answer, at most so many milliseconds. */
  async call({ name, args, timeout, person }) {
    const progress = [];
    [questions, reply] = [[], person];
    const onprogress = ({ message }) => progress.push(message);
    const told = { progress, questions };
    try {
      const result = await client.callTool({ name, arguments: args }, { onprogress, timeout });
      return { ...told, result, receipt: result.structuredContent };
    } catch (error) {
      return { ...told, error: { code: error.code, message: error.message } };
    }
  },

  /** Call a tool that may answer with a task. */
  async begin({ name, args, person }) {
    [questions, reply] = [[], person];
    session ??= createTaskSessionFromClient(client, {
      endpointId: "drive",
      rawDispatch: past(transport),
      v2RequestFraming: { protocolVersion: "2026-07-28", clientInfo: me, clientCapabilities: capabilities },
      onInputRequest: ({ params }) => answer(params.message),
    });
    execution = await session.callTool(name, args);
    return { questions, kind: execution.kind, id: execution.handle?.taskId };
  },

  /** Follow the task to its end, or cancel it first. */
  async end({ cancel }) {
    if (cancel) await execution.cancel();
    const { outcome } = await execution.settle();
    return { status: outcome.status, receipt: outcome.result?.structuredContent };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { step, ...said } = JSON.parse(line);
  console.log(JSON.stringify(await steps[step](said)));
}
await client?.close();
