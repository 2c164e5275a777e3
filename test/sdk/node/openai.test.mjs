// npm's openai and @azure/identity, unmodified, against the gateway that the
// environment names. node_test.go starts both and sets NODE_EXTRA_CA_CERTS.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClientSecretCredential, getBearerTokenProvider } from '@azure/identity';
import { AuthenticationError, AzureOpenAI, OpenAI } from 'openai';

const {
  CLOISTER_URL: url, CLOISTER_API_KEY: apiKey, CLOISTER_DEPLOYMENT: model, CLOISTER_TOKEN_SCOPE: scope,
  AZURE_AUTHORITY_HOST: authorityHost, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client, AZURE_CLIENT_SECRET: secret,
} = process.env;

// Responses need this version or a later one.
const apiVersion = '2025-03-01-preview';
const baseURL = new URL('/openai/v1/', url).href;
const messages = [{ role: 'user', content: 'Say something about closed doors.' }];

const credential = new ClientSecretCredential(tenant, client, secret, {
  authorityHost, disableInstanceDiscovery: true, retryOptions: { maxRetries: 0 },
});
const token = getBearerTokenProvider(credential, scope);

const azure = (options) => new AzureOpenAI({ endpoint: url, apiVersion, maxRetries: 0, ...options });
const v1 = (options) => new OpenAI({ baseURL, maxRetries: 0, ...options });

const clients = {
  'AzureOpenAI with key': azure({ apiKey }),
  'AzureOpenAI with token': azure({ azureADTokenProvider: token }),
  'OpenAI with key': v1({ apiKey }),
  'OpenAI with token': v1({ apiKey: token }),
};

for (const [name, openai] of Object.entries(clients)) {
  test(`${name} completes`, async () => {
    const answer = await openai.chat.completions.create({ model, messages });
    assert.equal(answer.choices.length, 1);
    assert.ok(answer.choices[0].message.content);
    assert.ok(answer.usage.total_tokens > 0);
  });

  test(`${name} streams`, async () => {
    const stream = await openai.chat.completions.create({
      model, messages, stream: true, stream_options: { include_usage: true },
    });
    let text = '', chunks = 0, total = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      chunks += chunk.choices.length;
      total = chunk.usage?.total_tokens ?? total;
    }
    assert.ok(chunks >= 3, `${chunks} chunks`);
    assert.ok(text);
    assert.ok(total > 0);
  });

  test(`${name} embeds`, async () => {
    const answer = await openai.embeddings.create({ model: 'text-embedding-3-small', input: 'closed doors' });
    assert.equal(answer.data.length, 1);
    assert.ok(answer.data[0].embedding.length > 0);
  });

  test(`${name} calls responses`, async () => {
    const answer = await openai.responses.create({ model, input: messages[0].content });
    assert.ok(answer.output_text);
  });
}

const wrong = { apiKey: '0'.repeat(apiKey.length) };

for (const [name, openai] of Object.entries({ AzureOpenAI: azure(wrong), OpenAI: v1(wrong) })) {
  test(`${name} with a wrong key is refused`, async () => {
    await assert.rejects(openai.chat.completions.create({ model, messages }), AuthenticationError);
  });
}
