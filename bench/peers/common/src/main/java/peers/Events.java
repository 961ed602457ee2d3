package peers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Reference events in memory: key, number, and for ticks a volume. Event i is at floor(i / 10) ms. */
final class Events {
  final String[] key;
  final double[] number;
  final int[] volume;

  private Events(int size) {
    key = new String[size];
    number = new double[size];
    volume = new int[size];
  }

  int size() {
    return key.length;
  }

  long timeMs(int i) {
    return i / 10;
  }

  /** Reads the first `count` lines of symbol,price,volume or card,amount. */
  static Events read(Path file, int count) throws IOException {
    List<String> lines = Files.readAllLines(file).subList(0, count);
    Events events = new Events(lines.size());
    for (int i = 0; i < lines.size(); ++i) {
      String[] cells = lines.get(i).split(",");
      events.key[i] = cells[0];
      events.number[i] = Double.parseDouble(cells[1]);
      if (cells.length > 2) events.volume[i] = Integer.parseInt(cells[2]);
    }
    return events;
  }
}
