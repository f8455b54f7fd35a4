// node read.js CHOICES < DASHBOARD.json -> the readings of all its panels and the errors, as JSON; no browser.

import './alone';
import {Choices, dataOf, errors, panelsOf, Reading, readingOf, variablesOf} from './board';

async function main(): Promise<void> {
  const choices: Choices = JSON.parse(process.argv[2]);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) {
    chunks.push(chunk);
  }
  const board = JSON.parse(Buffer.concat(chunks).toString());
  const variables = variablesOf(board, choices);
  const readings: Reading[] = [];
  for (const {panel, row} of panelsOf(board)) {
    try {
      const shows = readingOf(panel, await dataOf(panel, variables, choices));
      readings.push({id: panel.id, title: panel.title, type: panel.type, row, shows});
    } catch (error) {
      errors.push(`${panel.title}: ${error}`);
    }
  }
  process.stdout.write(JSON.stringify({readings, errors}));
}

void main();
