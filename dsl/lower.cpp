// All rules, in the order in which they feed each other, and the types that they emit. An emitted type is
// complete when all its emitters have been typed; only then are the rules that read it typed.
#include "dsl/lower.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <map>
#include <queue>
#include <set>

#include "dsl/tables.hpp"
#include "dsl/types.hpp"

namespace tocsin::dsl {

using model::EventTypeId;
using model::Kind;

namespace {

using RuleId = std::uint32_t;

void collect_types(const ast::Pattern& pattern, std::vector<const ast::Name*>& out) {
  if (pattern.children.empty() && !pattern.any) out.push_back(&pattern.type);
  for (const auto& child : pattern.children)
    collect_types(child, out);
}

class RulesLowerer {
 public:
  RulesLowerer(Symbols& symbols, const Declarations& declarations)
      : symbols_(symbols),
        declarations_(declarations),
        decls_(declarations.rules),
        lowered_(decls_.size()),
        nodes_(decls_.size()) {}

  plan::Plan lower() {
    check_names();
    declare_emitted();
    declare_tables(symbols_, declarations_);
    connect();
    run();
    report_unused_tables(symbols_, declarations_);
    for (auto& type : symbols_.catalog.types)
      type.layout();
    plan::Plan plan;
    for (auto& each : lowered_)
      plan.rules.push_back(std::move(each.rule));
    for (auto& each : symbols_.tables)
      plan.tables.push_back(std::move(each.table));
    plan.order = std::move(order_);
    plan.catalog = symbols_.catalog;
    return plan;
  }

 private:
  /// An `emit` of a rule, or its `on timeout emit`.
  struct Emitter {
    RuleId rule = 0;
    bool at_timeout = false;
  };

  struct Node {
    std::vector<EventTypeId> emits;  // of its `emit` and its `on timeout emit`, where they are sound
    std::vector<EventTypeId> reads;  // emitted types alone
    std::size_t waits_for = 0;       // how many of these are incomplete
    bool started = false;
  };

  struct Emitted {
    std::vector<Emitter> emitters;
    std::vector<RuleId> readers;
    std::size_t left = 0;  // emitters not yet typed
  };

  void check_names() {
    std::map<std::string_view, Span> seen;
    for (const auto* decl : decls_) {
      const auto [first, is_new] = seen.emplace(decl->name.text, decl->name.span);
      if (is_new) continue;
      symbols_.error(decl->name.span, fmt::format("rule '{}' is declared twice", decl->name.text),
                     fmt::format("first declared at {}", symbols_.place(first->second)));
    }
  }

  void declare_emitted() {
    for (RuleId id = 0; id < decls_.size(); ++id) {
      if (decls_[id]->emit) declare_emitted({id, false});
      if (decls_[id]->timeout) declare_emitted({id, true});
    }
    for (auto& [unused, emitted] : emitted_)
      emitted.left = emitted.emitters.size();
  }

  void declare_emitted(const Emitter& emitter) {
    const ast::Name& name = clause(emitter).type;
    auto type = symbols_.find_type(name.text);
    if (type && !symbols_.catalog[*type].derived) {
      symbols_.error(name.span, fmt::format("event '{}' is declared, so no rule can emit it", name.text),
                     fmt::format("emit another type; {} is declared at {}", name.text,
                                 symbols_.place(symbols_.infos[*type].span)));
      return;
    }
    if (!type && symbols_.catalog.types.size() >= std::numeric_limits<EventTypeId>::max()) {
      symbols_.error(name.span, "too many event types");
      return;
    }
    if (!type) type = symbols_.add_type(name.text, name.span, true);
    nodes_[emitter.rule].emits.push_back(*type);
    emitted_[*type].emitters.push_back(emitter);
  }

  const ast::Emit& clause(const Emitter& emitter) const {
    const ast::RuleDecl& decl = *decls_[emitter.rule];
    return emitter.at_timeout ? *decl.timeout : *decl.emit;
  }

  std::vector<EmittedField>& fields(const Emitter& emitter) {
    LoweredRule& rule = lowered_[emitter.rule];
    return emitter.at_timeout ? rule.timed_out : rule.emitted;
  }

  void connect() {
    for (RuleId id = 0; id < decls_.size(); ++id) {
      std::vector<const ast::Name*> names;
      for (const auto& item : decls_[id]->from)
        names.push_back(&item.type);
      if (decls_[id]->match) collect_types(*decls_[id]->match, names);
      std::set<EventTypeId> reads;
      for (const auto* name : names) {
        const auto type = symbols_.find_type(name->text);
        if (type && symbols_.catalog[*type].derived) reads.insert(*type);
      }
      for (const auto table : tables_named(symbols_, *decls_[id])) {
        const TableInfo& info = symbols_.tables[table];
        if (info.keeps_events && symbols_.catalog[info.table.type].derived) reads.insert(info.table.type);
      }
      for (const auto type : reads)
        emitted_[type].readers.push_back(id);
      nodes_[id].reads.assign(reads.begin(), reads.end());
      nodes_[id].waits_for = reads.size();
    }
  }

  // Always the first rule, by number, of those that wait for nothing.
  void run() {
    for (RuleId id = 0; id < decls_.size(); ++id) {
      if (nodes_[id].waits_for == 0) ready_.push(id);
    }
    RuleId first_left = 0;
    while (order_.size() < decls_.size()) {
      if (ready_.empty()) {
        while (nodes_[first_left].started)
          ++first_left;
        break_cycle(first_left);
      }
      const RuleId id = ready_.top();
      ready_.pop();
      if (nodes_[id].started) continue;
      nodes_[id].started = true;
      order_.push_back(id);
      lowered_[id] = lower_rule(symbols_, *decls_[id]);
      for (const EventTypeId type : nodes_[id].emits) {
        auto& emitted = emitted_[type];
        if (--emitted.left > 0) continue;
        complete(type, emitted.emitters);
        complete_tables(symbols_, type);
        for (const RuleId reader : emitted.readers) {
          if (--nodes_[reader].waits_for == 0) ready_.push(reader);
        }
      }
    }
  }

  // Every rule that waits, waits for one that waits: following them comes round. The rules found are reported
  // and typed all the same, with what they emit unknown to each other.
  void break_cycle(RuleId start) {
    const auto feeder = [&](RuleId id) {
      for (const auto type : nodes_[id].reads) {
        for (const Emitter& emitter : emitted_[type].emitters) {
          if (!nodes_[emitter.rule].started) return emitter.rule;
        }
      }
      return id;
    };
    std::vector<RuleId> path;
    auto repeated = path.end();
    for (RuleId id = start; repeated == path.end(); id = feeder(id)) {
      path.push_back(id);
      repeated = std::find(path.begin(), path.end(), feeder(id));
    }
    path.erase(path.begin(), repeated);
    std::reverse(path.begin(), path.end());  // now each feeds the next
    std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());

    const ast::Name& first = fed_by(path.front(), path[1 % path.size()]);
    if (path.size() == 1) {
      symbols_.error(first.span, fmt::format("rule '{0}' feeds itself: it reads the {1} that it emits",
                                             decls_[path.front()]->name.text, first.text));
    } else {
      symbols_.error(first.span, fmt::format("rules {} feed each other", chain_text(path)));
    }
    for (const RuleId id : path) {
      for (const EventTypeId type : nodes_[id].emits)
        symbols_.infos[type].open = true;
      ready_.push(id);
    }
  }

  /// The type, as `feeder` names it, by which it feeds `reader`.
  const ast::Name& fed_by(RuleId feeder, RuleId reader) {
    const auto& reads = nodes_[reader].reads;
    for (const EventTypeId type : reads) {
      for (const Emitter& emitter : emitted_[type].emitters) {
        if (emitter.rule == feeder) return clause(emitter).type;
      }
    }
    return decls_[feeder]->name;
  }

  // `a → b → a`; the middle of a long one is left out.
  std::string chain_text(const std::vector<RuleId>& path) const {
    constexpr std::size_t most = 8;
    std::string text;
    for (std::size_t i = 0; i < path.size(); ++i) {
      if (path.size() > most && i == most / 2) {
        text += "… → ";
        i = path.size() - most / 2;
      }
      text += decls_[path[i]]->name.text + " → ";
    }
    return text + decls_[path.front()]->name.text;
  }

  // Emitted types.

  const ast::Name* field_name(const Emitter& emitter, std::string_view name) {
    for (const auto& field : fields(emitter)) {
      if (field.name->text == name) return field.name;
    }
    return nullptr;
  }

  void complete(EventTypeId id, const std::vector<Emitter>& emitters) {
    std::map<std::string_view, std::uint32_t> indices;
    for (const auto& field : fields(emitters.front())) {
      auto& type = symbols_.catalog.types[id];
      indices.emplace(field.name->text, static_cast<std::uint32_t>(type.fields.size()));
      type.fields.push_back({field.name->text, {}, model::TimeUnit::ns, 0});
    }
    for (const Emitter& emitter : emitters)
      join(id, emitter, emitters.front(), indices);

    auto& type = symbols_.catalog.types[id];
    auto& info = symbols_.infos[id];
    for (const auto& field : type.fields) {
      if (field.type.kind != Kind::null || info.broken.count(field.name) > 0) continue;
      symbols_.error(field_name(emitters.front(), field.name)->span,
                     fmt::format("'{}' of {} is always null, so it has no type", field.name, type.name));
      info.broken.insert(field.name);
    }
    for (const Emitter& emitter : emitters)
      bind(id, emitter, indices);
    const auto is_broken = [&](const model::Field& field) { return info.broken.count(field.name) > 0; };
    type.fields.erase(std::remove_if(type.fields.begin(), type.fields.end(), is_broken), type.fields.end());
  }

  // Adds what one rule emits to the type's fields, and compares it with what the first one emits.
  void join(EventTypeId id, const Emitter& emitter, const Emitter& first,
            const std::map<std::string_view, std::uint32_t>& indices) {
    auto& type = symbols_.catalog.types[id];
    auto& broken = symbols_.infos[id].broken;
    const std::string& first_name = decls_[first.rule]->name.text;
    for (const auto& field : fields(emitter)) {
      const std::string& name = field.name->text;
      const auto index = indices.find(name);
      if (index == indices.end()) {
        symbols_.error(field.name->span,
                       fmt::format("rule '{}' emits {} without '{}'", first_name, type.name, name),
                       "all rules that emit a type must emit the same fields; null stands for none");
        broken.insert(name);
      } else if (!field.value) {
        broken.insert(name);
      } else {
        join_type(type, type.fields[index->second], *field.name, field.value->type, first_name);
      }
    }
    for (const auto& [name, unused] : indices) {
      if (field_name(emitter, name) != nullptr) continue;
      symbols_.error(
          clause(emitter).type.span,
          fmt::format("rule '{}' emits {} with '{}', and this one without", first_name, type.name, name),
          fmt::format("add {}: null where there is none", name));
    }
  }

  void join_type(const model::EventType& type, model::Field& field, const ast::Name& name,
                 const model::Type& given, const std::string& first_name) {
    const bool nullable = field.type.nullable || given.nullable || given.kind == Kind::null;
    if (field.type.kind == Kind::null) {
      field.type = given;
    } else if (given.kind != Kind::null && !same_base(field.type, given)) {
      symbols_.error(name.span,
                     fmt::format("'{}' of {} is {} here but {} in rule '{}'", name.text, type.name,
                                 symbols_.describe(given), symbols_.describe(field.type), first_name));
    }
    field.type.nullable = nullable;
  }

  void bind(EventTypeId id, const Emitter& emitter,
            const std::map<std::string_view, std::uint32_t>& indices) {
    plan::Emit emit{.type = id, .fields = {}};
    for (auto& field : fields(emitter)) {
      const auto index = indices.find(field.name->text);
      if (!field.value || index == indices.end()) continue;
      if (field.value->type.kind == Kind::null)
        field.value->type = symbols_.catalog[id].fields[index->second].type;
      emit.fields.push_back({index->second, std::move(*field.value)});
    }
    plan::Rule& rule = lowered_[emitter.rule].rule;
    (emitter.at_timeout ? rule.timeout : rule.emit) = std::move(emit);
  }

  Symbols& symbols_;
  const Declarations& declarations_;
  const std::vector<const ast::RuleDecl*>& decls_;
  std::vector<LoweredRule> lowered_;
  std::vector<Node> nodes_;
  std::map<EventTypeId, Emitted> emitted_;
  std::vector<RuleId> order_;
  std::priority_queue<RuleId, std::vector<RuleId>, std::greater<>> ready_;
};

}  // namespace

plan::Plan lower(Symbols& symbols, const Declarations& declarations) {
  return RulesLowerer(symbols, declarations).lower();
}

}  // namespace tocsin::dsl
