// npm's openai, unmodified, in the subnet app of a lab: the gateway by its name
// as a service of Azure, and the model past it, which nobody reaches.
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { test } from 'node:test';
import { AzureOpenAI, OpenAI } from 'openai';

const { CLOISTER_URL: url, CLOISTER_API_KEY: apiKey, CLOISTER_DEPLOYMENT: model } = process.env;
const messages = [{ role: 'user', content: 'Say something about closed doors.' }];
const azure = new AzureOpenAI({ endpoint: url, apiVersion: '2024-10-21', apiKey, maxRetries: 0 });

test('the gateway has a name of Azure', async () => {
  assert.equal(url, 'https://contoso.azure-api.net');
  assert.match((await lookup('contoso.azure-api.net')).address, /^10\.60\.2\./);
});

test('AzureOpenAI completes', async () => {
  const answer = await azure.chat.completions.create({ model, messages });
  assert.ok(answer.choices[0].message.content);
  assert.ok(answer.usage.total_tokens > 0);
});

test('AzureOpenAI streams', async () => {
  const stream = await azure.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
  let text = '', total = 0;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? '';
    total = chunk.usage?.total_tokens ?? total;
  }
  assert.ok(text.length > 0 && total > 0);
});

test('OpenAI completes on the v1 surface', async () => {
  const openai = new OpenAI({ baseURL: new URL('/openai/v1/', url).href, apiKey, maxRetries: 0 });
  const answer = await openai.chat.completions.create({ model, messages });
  assert.ok(answer.choices[0].message.content);
});

test('the model has its private address, and is not reached past the gateway', async () => {
  assert.equal((await lookup('contoso.openai.azure.com')).address, '10.60.3.4');
  const past = new AzureOpenAI({ endpoint: 'https://contoso.openai.azure.com', apiVersion: '2024-10-21', apiKey, maxRetries: 0, timeout: 1500 });
  await assert.rejects(past.chat.completions.create({ model, messages }), /timed out|Connection error/);
});

test('the internet is not reached', async () => {
  await assert.rejects(fetch('https://203.0.113.50/', { signal: AbortSignal.timeout(1500) }));
});
