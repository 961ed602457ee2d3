#include "tester/play.hpp"

#include <algorithm>

#include "engine/base/saturate.hpp"
#include "engine/runtime/engine.hpp"
#include "tester/show.hpp"

namespace tocsin::tester {

namespace {

/// One event, or one move of time.
struct Moment {
  std::int64_t time_ns;
  const dsl::TestInput* input;
};

std::vector<Moment> moments_of(const dsl::TestBlock& test) {
  std::vector<Moment> moments;
  for (const dsl::TestInput& input : test.inputs) {
    for (std::int64_t time_ns = input.first_ns;;) {
      moments.push_back({time_ns, &input});
      if (__builtin_add_overflow(time_ns, input.period_ns, &time_ns) || time_ns > input.last_ns) break;
    }
  }
  std::stable_sort(moments.begin(), moments.end(),
                   [](const Moment& a, const Moment& b) { return a.time_ns < b.time_ns; });
  return moments;
}

void write_fields(model::EventWriter& writer, const std::vector<dsl::TestField>& fields) {
  std::vector<model::Value> elements;
  for (const dsl::TestField& field : fields) {
    if (!field.array) {
      writer.set(field.field, value_of(field.value));
      continue;
    }
    elements.clear();
    for (const plan::Constant& element : field.elements)
      elements.push_back(value_of(element));
    writer.set_array(field.field, elements);
  }
}

void write_event(model::EventBatch& batch, const model::EventType& type, const Moment& moment,
                 std::uint64_t seq) {
  model::EventWriter writer(batch);
  writer.begin(type);
  if (type.timestamp) writer.set_int(*type.timestamp, moment.time_ns);
  write_fields(writer, moment.input->fields);
  writer.commit(moment.time_ns, seq, 0);  // as the engine will number it, too
}

std::shared_ptr<const match::Table> table_of(const plan::Plan& plan, const dsl::TestBlock& test,
                                             std::uint32_t number) {
  const plan::Table& table = plan.tables[number];
  auto content = std::make_shared<match::Table>(table, plan.catalog, Limits{}.table_rows);
  for (const dsl::TestTable& given : test.tables) {
    if (given.table != number) continue;
    for (const auto& fields : given.rows) {
      model::EventBatch row;
      model::EventWriter writer(row);
      writer.begin(plan.catalog[table.type]);
      write_fields(writer, fields);
      writer.commit(0, 0, 0);
      content->put(row[0]);
    }
  }
  return content;
}

/// Puts each input event behind what timers made before it and before what it completed.
class Recorder final : public model::MatchSink {
 public:
  explicit Recorder(Record& record) : record_(record) {}

  void expect(model::EventView event) {
    event_.clear();
    event_.append(event);
    pending_ = true;
  }
  void settle() {
    if (pending_) record_.events.append(event_[0]);
    pending_ = false;
  }
  void on_match(const model::MatchView& match) override {
    if (pending_ && match.at_ns >= event_[0].time_ns()) settle();
    Alert alert{match.rule, match.at_ns, match.timeout, match.trigger_seq, std::nullopt};
    if (match.emitted) {
      alert.event = record_.events.size();
      record_.events.append(match.emitted);
    }
    record_.alerts.push_back(alert);
  }

 private:
  Record& record_;
  model::EventBatch event_;
  bool pending_ = false;
};

}  // namespace

Record play(const plan::Plan& plan, const dsl::TestBlock& test) {
  Record record;
  record.passed_ns = test.start_ns;
  Recorder recorder(record);
  runtime::Engine engine(plan, {}, recorder);
  const std::uint16_t source = engine.add_source();
  for (std::uint32_t number = 0; number < plan.tables.size(); ++number) {
    record.tables.push_back(plan.tables[number].path.empty() ? nullptr : table_of(plan, test, number));
    if (record.tables.back()) engine.set_table(number, record.tables.back());
  }
  model::EventBatch batch;
  std::uint64_t seq = 0;
  const std::vector<Moment> moments = moments_of(test);
  for (std::size_t i = 0; i < moments.size(); ++i) {
    record.passed_ns = moments[i].time_ns;
    if (moments[i].input->type) {
      write_event(batch, plan.catalog[*moments[i].input->type], moments[i], ++seq);
      recorder.expect(batch[0]);
      engine.push(source, batch);
      recorder.settle();
    } else {
      const std::int64_t passed_ns = later(moments[i].time_ns, 1);
      const bool more = i + 1 < moments.size();
      record.passed_ns = more ? std::min(passed_ns, moments[i + 1].time_ns) : passed_ns;
      engine.advance(source, record.passed_ns);
    }
  }
  engine.finish();
  return record;
}

}  // namespace tocsin::tester
