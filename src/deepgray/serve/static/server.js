// What the page asks of the server.

/** A refusal: its status, and the server's sentence. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

const place = (study) => `api/study/${encodeURIComponent(study.stem)}/${encodeURIComponent(study.task)}`;
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, v]) => v !== undefined)).toString();

async function answer(url, options = {}) {
  let response;
  try {
    response = await fetch(url, { cache: "no-store", ...options });
  } catch {
    throw new Refusal(0, "The server does not answer. Is 'deepgray review' still running?");
  }
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  throw new Refusal(response.status, told.error || `The server answered ${response.status}.`);
}

const post = (url, body) => answer(url, { method: "POST", body: body ?? "", headers: { "x-deepgray": "1" } });

export const worklist = async () => (await answer("api/worklist")).json();
export const study = async (s, reviewer) => (await answer(`${place(s)}?${query({ reviewer })}`)).json();
export const numbers = async (s) => (await answer(`${place(s)}/numbers`)).json();
export const file = async (url) => (await answer(url)).arrayBuffer();

// A viewer may keep what an address gave it: the addresses of what changes hold the revision.
export const scanAt = (s) => `${place(s)}/scan.nii`;
export const entropyAt = (s) => `${place(s)}/entropy.nii`;
export const labelsAt = (s, revision, reviewer) => `${place(s)}/${revision}/labels.nii?${query({ reviewer })}`;
export const thumbnailAt = (s) => `${place(s)}/${s.revision}/thumbnail.png`;

export const refine = async (s, drawing, asked) => (await post(`${place(s)}/refine?${query(asked)}`, drawing)).arrayBuffer();
export const decide = async (s, drawing, asked) => (await post(`${place(s)}/decide?${query(asked)}`, drawing)).json();
export const consensus = async (s, asked) => (await post(`${place(s)}/consensus?${query(asked)}`)).json();
