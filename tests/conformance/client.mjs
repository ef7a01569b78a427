// The official socket.io client, driven line by line.
//
// Each line of stdin is a JSON list of the arguments of `emit`; {"$bytes": "BASE64"} in it stands for binary data. With
// the line ["$call", …], an acknowledgement is requested. Each line of stdout is [EVENT, DATA]; an acknowledgement is
// ["$ack", DATA], and the connection ["$connect", null].
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const socket = io(process.argv[2], { reconnection: false, transports: [process.argv[3] ?? "websocket"] });
const write = (event, data) => process.stdout.write(JSON.stringify([event, data ?? null]) + "\n");
const revive = (key, value) => (value?.$bytes === undefined ? value : Buffer.from(value.$bytes, "base64"));

socket.on("connect", () => write("$connect"));
socket.on("connect_error", (error) => write("$connect_error", error.message));
socket.on("disconnect", (reason) => write("$disconnect", reason));
socket.onAny(write);

for await (const line of createInterface({ input: process.stdin })) {
  const [event, ...data] = JSON.parse(line, revive);
  if (event === "$call") socket.emit(...data, (response) => write("$ack", response));
  else socket.emit(event, ...data);
}
socket.disconnect();
