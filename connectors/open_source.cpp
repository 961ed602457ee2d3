#include "connectors/open_source.hpp"

#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

#include "connectors/csv_decoder.hpp"
#include "connectors/ndjson_decoder.hpp"

namespace tocsin::connectors {

std::int64_t system_clock_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

namespace {

/// The extension of the data itself, `.zst` aside.
std::string extension_of(std::string_view path) {
  if (path.ends_with(".zst")) path.remove_suffix(4);
  return std::filesystem::path(path).extension().string();
}

std::optional<Format> format_of(const SourceSpec& spec) {
  if (spec.format != Format::automatic) return spec.format;
  const std::string extension = extension_of(spec.path);
  if (extension == ".csv" || extension == ".tsv") return Format::csv;
  if (extension == ".ndjson" || extension == ".jsonl" || extension == ".json" || extension.empty()) {
    return Format::ndjson;
  }
  return std::nullopt;
}

/// The column names from the first record. An input that is empty or fails has none, and no events either;
/// the first read says why.
Opened<std::vector<std::string>> read_header(LineReader& lines, char separator) {
  using Header = Opened<std::vector<std::string>>;
  Record record;
  while (true) {
    switch (lines.next(record)) {
      case LineReader::Next::record:
        if (record.text.empty()) break;
        return csv_header(record.text, separator);
      case LineReader::Next::overlong: return Header::failed("the header line is longer than the limit");
      case LineReader::Next::need_input:
        if (!lines.fill()) return Header::failed("interrupted before the header line came");
        break;
      case LineReader::Next::end:
      case LineReader::Next::failed: return {std::make_unique<std::vector<std::string>>(), {}};
    }
  }
}

MakeDecoder make_ndjson(const SourceSpec& spec, const Clock& clock) {
  return [options = NdjsonOptions{spec.event, spec.type_field}, clock](const model::Catalog& catalog) {
    return ndjson_decoder(catalog, options, clock);
  };
}

Opened<MakeDecoder> make_csv(LineReader& lines, char separator, const SourceSpec& spec, const Clock& clock) {
  CsvOptions options{spec.columns, spec.event, spec.type_field, separator};
  if (options.columns.empty()) {
    auto header = read_header(lines, separator);
    if (!header) return Opened<MakeDecoder>::failed(std::move(header.error));
    // Without a header there is no record, so that the decoder only has to know the event type.
    if (header->empty()) return {std::make_unique<MakeDecoder>(make_ndjson(spec, clock)), {}};
    options.columns = std::move(*header);
  }
  return {std::make_unique<MakeDecoder>([options = std::move(options), clock](const model::Catalog& catalog) {
            return csv_decoder(catalog, options, clock);
          }),
          {}};
}

}  // namespace

Opened<RecordSource> open_source(std::unique_ptr<ByteInput> input, const SourceSpec& spec,
                                 const model::Catalog& catalog, const SourceContext& context) {
  const std::string name = spec.path == "-" ? "stdin" : spec.path;
  const auto format = format_of(spec);
  if (!format) {
    return Opened<RecordSource>::failed(
        fmt::format("{}: the name does not tell the format; say whether it is ndjson or csv", name));
  }
  const char separator = spec.separator.value_or(extension_of(spec.path) == ".tsv" ? '\t' : ',');
  LineOptions line_options = context.lines;
  line_options.csv_separator = *format == Format::csv ? std::optional(separator) : std::nullopt;
  LineReader lines(std::move(input), line_options);

  MakeDecoder make = make_ndjson(spec, context.clock);
  if (*format == Format::csv) {
    auto csv = make_csv(lines, separator, spec, context.clock);
    if (!csv) return Opened<RecordSource>::failed(fmt::format("{}: {}", name, csv.error));
    make = std::move(*csv.value);
  }
  auto decoder = make(catalog);
  if (!decoder) return Opened<RecordSource>::failed(fmt::format("{}: {}", name, decoder.error));
  return {std::make_unique<RecordSource>(std::move(lines), std::move(decoder.value), std::move(make),
                                         BadRecords(name, context.report, context.dead_letters)),
          {}};
}

Opened<RecordSource> open_source(const SourceSpec& spec, const model::Catalog& catalog,
                                 const SourceContext& context) {
  auto input = open_input(spec.path);
  if (!input) return Opened<RecordSource>::failed(std::move(input.error));
  return open_source(std::move(input.value), spec, catalog, context);
}

}  // namespace tocsin::connectors
