// The configuration: what each layer gives, which of them counts, and what is said where one is wrong.
#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <sstream>

#include "service/layers.hpp"
#include "service/values.hpp"

namespace {

using namespace tocsin::service;

std::string problems_of(std::string_view text) {
  Layers layers;
  std::string all;
  for (const std::string& problem : read_text(text, "t.toml", layers))
    all += problem + '\n';
  return all;
}

std::string read_whole(const std::string& path) {
  std::ifstream file(std::string(TOCSIN_SOURCE_DIR "/") + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("a file's mistakes are told with their places, all of them") {
  CHECK(problems_of("listen = 5\n") == "t.toml:1:10: listen: expected a list, got a whole number\n");
  CHECK(problems_of("[engine]\nshards = 0\n") ==
        "t.toml:2:10: engine.shards: '0' is no whole number from 1 to 256\n");
  CHECK(problems_of("[engine]\nshrads = 2\n") ==
        "t.toml:2:1: unknown setting 'engine.shrads'; did you mean 'engine.shards'?\n");
  CHECK(problems_of("shards = 2\n") ==
        "t.toml:1:1: unknown setting 'shards'; did you mean 'engine.shards'?\n");
  CHECK(problems_of("[input]\nlateness = 5\n") ==
        "t.toml:2:12: input.lateness: expected text, got a whole number\n");
  CHECK(problems_of("[input]\nlateness = \"5 parsecs\"\n") ==
        "t.toml:2:12: input.lateness: '5 parsecs' is no duration, such as 500ms, 5s or 1m30s\n");
  CHECK(problems_of("[net]\nqueue = \"8 MB\"\n") ==
        "t.toml:2:9: net.queue: '8 MB' is no number of bytes, such as 4096, 64KiB or 8MiB\n");
  CHECK(problems_of("[net]\nqueue = \"1KiB\"\n") ==
        "t.toml:2:9: net.queue: '1KiB' is not from 4KiB to 16GiB\n");
  CHECK(problems_of("watch_rules = \"yes\"\n") ==
        "t.toml:1:15: watch_rules: expected true or false, got text\n");
  CHECK(problems_of("[log]\nlevel = \"loud\"\n") ==
        "t.toml:2:9: log.level: 'loud' is none of debug, info, warning, error\n");
  CHECK(problems_of("metrics = \"unix:/x\"\n") == "t.toml:1:11: metrics: 'unix:/x' is no tcp address\n");
  CHECK(problems_of("xyzzy = 1\n[nonsense]\na = 1\n") ==
        "t.toml:2:2: unknown setting 'nonsense'\nt.toml:1:1: unknown setting 'xyzzy'\n");
  CHECK(problems_of("a = \n").starts_with("t.toml:1:"));
  Layers layers;
  CHECK(read_file("/no/such/file", layers) == std::vector<std::string>{"cannot read /no/such/file"});
}

TEST_CASE("flags go before the environment, and that before the file") {
  Layers layers;
  CHECK(read_text("[engine]\nshards = 2\ncores = [0, 1]\n[log]\nlevel = \"error\"\nformat = \"json\"\n",
                  "t.toml", layers)
            .empty());
  const char* environment[] = {"TOCSIN_ENGINE_SHARDS=3", "TOCSIN_LOG_LEVEL=debug", "OTHER=1", "TOCSIN_SEED=1",
                               nullptr};
  CHECK(read_environment(environment, layers).empty());
  layers.give(Layer::flags, *find_setting("engine.shards"), "4", "--shards");
  const Config config = layers.config();
  CHECK(config.engine.shards == 4);
  CHECK(config.engine.cores == std::vector<int>{0, 1});
  CHECK(config.log.level == LogLevel::debug);
  CHECK(config.log.format == LogFormat::json);
  const std::string dump = layers.dump();
  const auto has_line = [&](const std::string& text, const std::string& origin) {
    std::istringstream lines(dump);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with(text + ' ') && line.ends_with("# " + origin)) return true;
    }
    return false;
  };
  CHECK(has_line("shards = 4", "--shards"));
  CHECK(has_line("cores = [0, 1]", "t.toml:3"));
  CHECK(has_line("level = \"debug\"", "TOCSIN_LOG_LEVEL"));
  CHECK(has_line("idle_timeout = \"1m\"", "default"));
}

TEST_CASE("a list of a higher layer replaces the lower one's; params go one by one") {
  Layers layers;
  CHECK(read_text("listen = [\"tcp:127.0.0.1:1\", \"unix:/a\"]\n[params]\na = 1\nb = \"5s\"\n", "t.toml",
                  layers)
            .empty());
  const char* environment[] = {"TOCSIN_LISTEN=tcp:127.0.0.1:2", "TOCSIN_PARAMS=b=7s", nullptr};
  CHECK(read_environment(environment, layers).empty());
  const Config config = layers.config();
  CHECK(config.listen == std::vector<std::string>{"tcp:127.0.0.1:2"});
  CHECK(config.params == std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "7s"}});
}

TEST_CASE("the environment's mistakes are told") {
  Layers layers;
  const char* environment[] = {"TOCSIN_ENGINE_SHARDS=x", "TOCSIN_LOG_LEVLE=info", nullptr};
  CHECK(read_environment(environment, layers) ==
        std::vector<std::string>{"TOCSIN_ENGINE_SHARDS: 'x' is no whole number from 1 to 256",
                                 "TOCSIN_LOG_LEVLE is no setting; did you mean TOCSIN_LOG_LEVEL?"});
}

TEST_CASE("what settings come to together is checked") {
  const auto config_of = [](std::string_view text) {
    Layers layers;
    REQUIRE(read_text(text, "t.toml", layers).empty());
    (void)layers.config();
  };
  const std::string listen = "listen = [\"tcp:127.0.0.1:0\"]\n";
  CHECK_NOTHROW(config_of(listen + "metrics = \"tcp:127.0.0.1:0\"\n"));
  CHECK_THROWS_WITH_AS(
      config_of(listen + "metrics = \"tcp:0.0.0.0:0\"\n"),
      "metrics: others than this machine reach tcp:0.0.0.0:0; set metrics_public if they may", BadValue);
  CHECK_NOTHROW(config_of(listen + "metrics = \"tcp:0.0.0.0:0\"\nmetrics_public = true\n"));
  CHECK_THROWS_WITH_AS(config_of("control = \"c\"\n"), "control needs listen: it is for a service", BadValue);
  CHECK_THROWS_AS(config_of(listen + "[net]\ntls_key = \"k\"\n"), BadValue);
}

TEST_CASE("what config prints is a file that gives the same") {
  Layers layers;
  REQUIRE(read_text(read_whole("examples/tocsin.toml"), "tocsin.toml", layers).empty());
  const std::string dump = layers.dump();
  Layers again;
  CHECK(read_text(dump, "again.toml", again).empty());
  const Config one = layers.config();
  const Config two = again.config();
  for (const Setting& setting : settings())
    CHECK_MESSAGE(setting.show(one) == setting.show(two), setting.key);
}

TEST_CASE("the example and the operator's page name every setting, and the example gives the defaults") {
  const std::string example = read_whole("examples/tocsin.toml");
  const std::string page = read_whole("docs/operations.md");
  Layers layers;
  REQUIRE(read_text(example, "tocsin.toml", layers).empty());
  const Config config = layers.config();
  const Config defaults;
  const std::vector<std::string> own = {"rules", "listen", "control", "metrics", "output.to"};
  for (const Setting& setting : settings()) {
    const std::string name = setting.key.substr(setting.key.rfind('.') + 1);
    const bool named = example.find("\n" + name + " = ") != std::string::npos ||
                       example.find("\n# " + name + " = ") != std::string::npos || name == "params";
    CHECK_MESSAGE(named, "examples/tocsin.toml lacks ", setting.key);
    CHECK_MESSAGE(page.find("`" + setting.key + "`") != std::string::npos, "docs/operations.md lacks ",
                  setting.key);
    if (std::find(own.begin(), own.end(), setting.key) == own.end())
      CHECK_MESSAGE(setting.show(config) == setting.show(defaults), setting.key, " is not the default");
  }
}

TEST_CASE("settings have names of their own") {
  std::vector<std::string> keys;
  std::vector<std::string> flags;
  for (const Setting& setting : settings()) {
    keys.push_back(setting.key);
    if (!setting.flag.empty()) flags.push_back(setting.name());
  }
  for (auto* names : {&keys, &flags}) {
    std::sort(names->begin(), names->end());
    CHECK(std::adjacent_find(names->begin(), names->end()) == names->end());
  }
}

TEST_CASE("sizes are read and shown") {
  CHECK(parse_size("4096", 0, 1u << 30) == 4096);
  CHECK(parse_size("8MiB", 0, 1u << 30) == 8u << 20);
  CHECK(show_size(8u << 20) == "8MiB");
  CHECK(show_size(4097) == "4097");
  CHECK_THROWS_AS(parse_size("8MB", 0, 1u << 30), BadValue);
  CHECK_THROWS_AS(parse_size("99999999999GiB", 0, UINT64_MAX), BadValue);
}
