#include "connectors/generator.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/random.hpp"

namespace tocsin::connectors {

using model::Kind;

namespace {

struct KnownField {
  std::string_view name;
  Kind kind;
};

/// Field indices in the declared type, in the order of the known fields; none where it lacks one.
struct Shape {
  std::string_view type_name;
  std::span<const KnownField> known;
  const model::EventType* type = nullptr;
  std::vector<std::optional<std::uint32_t>> fields;
};

/// Matches what the generator knows with what is declared; a sentence where they disagree.
std::string match_fields(const model::Catalog& catalog, std::string_view generator, Shape& shape) {
  const std::string_view type_name = shape.type_name;
  shape.fields.clear();
  shape.type = catalog.find(type_name);
  if (shape.type == nullptr || !shape.type->is_input()) {
    return fmt::format("the generator '{}' makes events of type {}, which the rules do not declare",
                       generator, type_name);
  }
  std::vector<bool> filled(shape.type->fields.size(), false);
  for (const auto& [name, kind] : shape.known) {
    auto index = shape.type->find(name);
    if (kind == Kind::time && shape.type->timestamp) index = shape.type->timestamp;
    shape.fields.push_back(index);
    if (!index) continue;
    const auto& field = shape.type->fields[*index];
    filled[*index] = true;
    if (field.type.kind != kind) {
      return fmt::format("the generator '{}' needs field '{}' of {} to be of type {}", generator, field.name,
                         type_name, model::to_string({.kind = kind}, catalog));
    }
  }
  for (std::size_t i = 0; i < filled.size(); ++i) {
    const auto& field = shape.type->fields[i];
    if (!filled[i] && !field.type.nullable) {
      return fmt::format("the generator '{}' has no field '{}', which {} must have", generator, field.name,
                         type_name);
    }
  }
  return {};
}

/// Writes the known fields by their position, skipping those that are not declared.
class ShapeWriter {
 public:
  ShapeWriter(const Shape& shape, model::EventBatch& out) : shape_(shape), writer_(out) {
    writer_.begin(*shape.type);
  }

  void text(std::size_t known, std::string_view value) {
    if (shape_.fields[known]) writer_.set_string(*shape_.fields[known], value);
  }
  void number(std::size_t known, double value) {
    if (shape_.fields[known]) writer_.set_float(*shape_.fields[known], value);
  }
  void integer(std::size_t known, std::int64_t value) {
    if (shape_.fields[known]) writer_.set_int(*shape_.fields[known], value);
  }
  void commit(std::int64_t time_ns) { writer_.commit(time_ns, 0, 0); }

 private:
  const Shape& shape_;
  model::EventWriter writer_;
};

/// Counting, pacing and names, which all generators share.
class Generator : public model::Source {
 public:
  Generator(const GeneratorSpec& spec, Shape shape)
      : spec_(spec), shape_(std::move(shape)), random_(spec.seed) {}

  model::ReadStatus read(model::EventBatch& out, std::size_t max_events) override {
    const std::size_t before = out.bytes();
    const std::uint64_t end = made_ + std::min<std::uint64_t>(max_events, spec_.count - made_);
    for (; made_ < end; ++made_)
      make(out);
    bytes_ += out.bytes() - before;
    return made_ == spec_.count ? model::ReadStatus::end : model::ReadStatus::more;
  }
  std::string use(const model::Catalog& catalog) override {
    Shape shape = shape_;
    std::string error = match_fields(catalog, spec_.name, shape);
    if (error.empty()) shape_ = std::move(shape);
    return error;
  }
  const std::string& name() const override { return spec_.name; }
  const std::string& error() const override { return error_; }
  std::uint64_t bad_records() const override { return 0; }
  std::uint64_t bytes_read() const override { return bytes_; }
  std::uint64_t bytes_total() const override { return 0; }

 protected:
  virtual void make(model::EventBatch& out) = 0;

  std::int64_t now_ns() const {
    const auto elapsed = static_cast<unsigned __int128>(made_) * 1'000'000'000 / spec_.per_second;
    return spec_.start_ns + static_cast<std::int64_t>(elapsed);
  }

  GeneratorSpec spec_;
  Shape shape_;
  Random random_;
  std::uint64_t made_ = 0;

 private:
  std::uint64_t bytes_ = 0;
  std::string error_;
};

constexpr std::array countries = {"DE", "FR", "GB", "IT", "NL", "PL", "ES", "SE", "US", "BR", "IN", "JP"};
constexpr std::array merchants = {"bakery", "bookshop", "cinema",   "florist", "garage",     "grocer",
                                  "hotel",  "jeweller", "pharmacy", "railway", "restaurant", "streaming"};

class Payments final : public Generator {
 public:
  Payments(const GeneratorSpec& spec, Shape shape) : Generator(spec, std::move(shape)) {
    if (spec.fraud_every > 0) next_fraud_ = 1 + random_.below(2 * spec.fraud_every);
  }
  static constexpr KnownField known[] = {{"card", Kind::string},
                                         {"merchant", Kind::string},
                                         {"country", Kind::string},
                                         {"amount", Kind::floating},
                                         {"at", Kind::time}};

 private:
  struct Planted {
    std::uint64_t due = 0;  // number of the first event that may be this one
    std::uint64_t card = 0;
    std::size_t country = 0;
    std::int64_t cents = 0;
  };

  std::size_t home_of(std::uint64_t card) const { return Random::mix(card ^ spec_.seed) % countries.size(); }

  std::int64_t everyday_cents() {
    const auto kind = random_.below(10);
    if (kind < 6) return random_.between(5'00, 50'00);
    if (kind < 9) return random_.between(50'00, 200'00);
    return random_.between(200'00, 450'00);
  }

  /// A few seconds of event time as a number of events, at least one.
  std::uint64_t pause() {
    const std::uint64_t least = std::max<std::uint64_t>(1, spec_.per_second);
    return least + random_.below(12 * spec_.per_second);
  }

  void plant() {
    next_fraud_ = made_ + 1 + random_.below(2 * spec_.fraud_every);
    const std::uint64_t card = random_.below(spec_.keys);
    if (std::any_of(planted_.begin(), planted_.end(), [&](const Planted& p) { return p.card == card; }))
      return;
    const std::size_t home = home_of(card);
    std::uint64_t due = made_;
    if (planted_frauds_++ % 2 == 0) {
      for (int probe = 0; probe < 3; ++probe, due += pause()) {
        planted_.push_back({due, card, home, random_.between(50, 1'99)});
      }
      planted_.push_back({due, card, home, random_.between(900'00, 2'500'00)});
    } else {
      const std::size_t abroad = (home + 1 + random_.below(countries.size() - 1)) % countries.size();
      planted_.push_back({due, card, home, everyday_cents()});
      planted_.push_back({due + pause(), card, abroad, everyday_cents()});
    }
    std::stable_sort(planted_.begin(), planted_.end(),
                     [](const Planted& a, const Planted& b) { return a.due < b.due; });
  }

  void make(model::EventBatch& out) override {
    if (made_ == next_fraud_) plant();
    if (!planted_.empty() && planted_.front().due <= made_) {
      const Planted payment = planted_.front();
      planted_.erase(planted_.begin());
      return write(out, payment);
    }
    const std::uint64_t card = random_.below(spec_.keys);
    write(out, {made_, card, home_of(card), everyday_cents()});
  }

  void write(model::EventBatch& out, const Planted& payment) {
    char card[24];
    const auto card_end = fmt::format_to_n(card, sizeof card, "C{:05}", payment.card).out;
    ShapeWriter event(shape_, out);
    event.text(0, {card, static_cast<std::size_t>(card_end - card)});
    event.text(1, merchants[random_.below(merchants.size())]);
    event.text(2, countries[payment.country]);
    event.number(3, static_cast<double>(payment.cents) / 100);
    event.integer(4, now_ns());
    event.commit(now_ns());
  }

  std::vector<Planted> planted_;  // by due
  std::uint64_t next_fraud_ = UINT64_MAX;
  std::uint64_t planted_frauds_ = 0;
};

class Ticks final : public Generator {
 public:
  Ticks(const GeneratorSpec& spec, Shape shape) : Generator(spec, std::move(shape)) {
    for (std::uint64_t i = 0; i < spec.keys; ++i)
      cents_.push_back(random_.between(10'00, 200'00));
  }
  static constexpr KnownField known[] = {
      {"symbol", Kind::string}, {"price", Kind::floating}, {"volume", Kind::integer}, {"at", Kind::time}};

 private:
  void make(model::EventBatch& out) override {
    const std::uint64_t symbol = random_.below(spec_.keys);
    std::int64_t& cents = cents_[symbol];
    cents = std::clamp<std::int64_t>(cents + random_.between(-50, 50), 1'00, 1'000'00);
    char name[24];
    const auto name_end = fmt::format_to_n(name, sizeof name, "S{}", symbol).out;
    ShapeWriter event(shape_, out);
    event.text(0, {name, static_cast<std::size_t>(name_end - name)});
    event.number(1, static_cast<double>(cents) / 100);
    event.integer(2, random_.between(1, 1'000));
    event.integer(3, now_ns());
    event.commit(now_ns());
  }

  std::vector<std::int64_t> cents_;  // price by symbol
};

template <class Made>
Opened<model::Source> open_as(std::string_view type_name, const GeneratorSpec& spec,
                              const model::Catalog& catalog) {
  Shape shape{type_name, Made::known, nullptr, {}};
  auto error = match_fields(catalog, spec.name, shape);
  if (!error.empty()) return Opened<model::Source>::failed(std::move(error));
  return {std::make_unique<Made>(spec, std::move(shape)), {}};
}

}  // namespace

Opened<model::Source> open_generator(const GeneratorSpec& spec, const model::Catalog& catalog) {
  if (spec.per_second == 0 || spec.keys == 0) {
    return Opened<model::Source>::failed("a generator needs at least one event a second and one key");
  }
  if (spec.name == "payments") return open_as<Payments>("Payment", spec, catalog);
  if (spec.name == "ticks") return open_as<Ticks>("Tick", spec, catalog);
  return Opened<model::Source>::failed(
      fmt::format("there is no generator '{}'; there are payments and ticks", spec.name));
}

}  // namespace tocsin::connectors
