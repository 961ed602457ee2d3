// Late events as NDJSON, an event a line, as an input reads them again.
#pragma once

#include <string_view>

#include "connectors/event_text.hpp"
#include "connectors/output.hpp"
#include "engine/model/source.hpp"

namespace tocsin::connectors {

class LateWriter final : public model::LateSink {
 public:
  /// `type_field` as the inputs have it. `catalog` and `output` must outlive this; write errors are the
  /// output's.
  LateWriter(const model::Catalog& catalog, std::string_view type_field, Output& output)
      : text_(catalog, type_field), output_(output) {}

  void on_late(std::uint16_t, model::EventView event) override {
    text_.append(output_.buffer(), event);
    output_.append('\n');
    output_.flush_if_full();
  }

 private:
  EventText text_;
  Output& output_;
};

}  // namespace tocsin::connectors
