// A program against the generated stubs: it compiles only if messages, services and options are what the .proto files
// say.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { CollectionService, IngestRequestSchema } from "./onespace/v1/collection_pb.js";
import { EmbeddingService, EmbedRequestSchema, EmbedStreamRequestSchema } from "./onespace/v1/embedding_pb.js";
import { SearchService } from "./onespace/v1/search_pb.js";
import { SpaceService } from "./onespace/v1/space_pb.js";
import { Modality, SegmentMode, VectorEncoding } from "./onespace/v1/types_pb.js";

const media = { content: { case: "text", value: "a red mug" } } as const;
const request = create(EmbedRequestSchema, {
  items: [media, { content: { case: "parts", value: { parts: [{ media, weight: 2 }] } } }],
  options: { dimension: 64, target: Modality.IMAGE, segments: { mode: SegmentMode.WINDOW, windowMs: 1000 } },
  encoding: VectorEncoding.FLOAT16,
});
const again = fromBinary(EmbedRequestSchema, toBinary(EmbedRequestSchema, request));
const start = create(EmbedStreamRequestSchema, { message: { case: "start", value: { options: again.options } } });
const chunk = create(IngestRequestSchema, { message: { case: "chunk", value: { data: new Uint8Array([1]), last: true } } });
if (again.items.length !== 2 || start.message.case !== "start" || chunk.message.case !== "chunk") {
  throw new Error("a message did not survive");
}
for (const service of [EmbeddingService, SearchService, CollectionService, SpaceService]) {
  console.log(service.typeName, Object.keys(service.method).join(" "));
}
