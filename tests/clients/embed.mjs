// node embed.mjs CLIENT URL TEXTS: prints the vectors of some texts as a client gets them.
const [client, url, texts] = process.argv.slice(2);
const inputs = JSON.parse(texts);
const settings = { baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 };

async function withOpenai() {
  const { default: OpenAI } = await import("openai");
  const answer = await new OpenAI(settings).embeddings.create({ model: "any", input: inputs });
  return answer.data.map((entry) => entry.embedding);
}

async function withLangchain() {
  const { OpenAIEmbeddings } = await import("@langchain/openai");
  const embeddings = new OpenAIEmbeddings({ model: "any", apiKey: "any", configuration: settings });
  return embeddings.embedDocuments(inputs);
}

console.log(JSON.stringify(await (client === "openai" ? withOpenai() : withLangchain())));
