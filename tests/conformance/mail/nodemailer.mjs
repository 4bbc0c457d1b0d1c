// Sends one mail by Nodemailer: {port, mail, dkim} come by standard input.
import { readFileSync } from 'node:fs';
import nodemailer from 'nodemailer';

const { port, mail, dkim } = JSON.parse(readFileSync(0, 'utf8'));
const transport = nodemailer.createTransport({ host: '127.0.0.1', port, secure: false, ignoreTLS: true });
await transport.sendMail({ ...mail, ...(dkim ? { dkim } : {}) });
transport.close();
