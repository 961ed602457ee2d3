// One who gets matches: which rules, in which form, and the outbox that they go to.
#pragma once

#include <cstdint>
#include <string>

#include "connectors/match_writer.hpp"
#include "connectors/net/outbox.hpp"
#include "connectors/wire/handshake.hpp"
#include "engine/model/schema.hpp"

namespace tocsin::connectors::net {

class Subscriber {
 public:
  Subscriber(wire::Subscribe wishes, Form form, Outbox& outbox)
      : wishes_(std::move(wishes)), form_(form), outbox_(outbox) {}

  /// Whether it wants matches of the rule, or what the rule reports where its bound ends a run.
  bool wants(const RuleOutput& rule, bool timeout, const model::Catalog& catalog) const;

  const wire::Subscribe& wishes() const { return wishes_; }
  Form form() const { return form_; }
  Outbox& outbox() const { return outbox_; }

 private:
  wire::Subscribe wishes_;
  Form form_;
  Outbox& outbox_;
};

/// A sentence where a wish names a rule or an emitted type that is not there; else empty.
std::string unknown_wish(const wire::Subscribe& wishes, const std::vector<RuleOutput>& rules,
                         const model::Catalog& catalog);

}  // namespace tocsin::connectors::net
