# Homebrew formula. Not run here: there is no Mac in this place. It goes into a tap (homebrew-kitbench/Formula/kitbench.rb);
# packaging/macos/README.md says what a release has to fill in. `brew install --HEAD` needs neither url nor sha256.
class Kitbench < Formula
  desc "Moves people from an old iPhone or iPad to a new one at a kitting bench"
  homepage "https://kitbench.example.org"
  url "https://kitbench.example.org/releases/kitbench-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license "Apache-2.0"
  head "https://kitbench.example.org/kitbench.git", branch: "main"

  depends_on "pkgconf" => :build
  depends_on "confuse"
  depends_on "jansson"
  depends_on "libimobiledevice"
  depends_on "libplist"
  depends_on "libusbmuxd"
  depends_on "libuv"
  depends_on "openssl@3"
  depends_on "sqlite"
  depends_on "utf8proc"

  def install
    args = [
      "CC=#{ENV.cc}", "prefix=#{prefix}", "mandir=#{man}",
      "bashcompdir=#{bash_completion}", "zshcompdir=#{zsh_completion}", "fishcompdir=#{fish_completion}"
    ]
    system "make", *args
    system "make", "install", *args
  end

  # macOS itself brings usbmuxd: no service to start.
  def caveats
    <<~EOS
      Backups that Finder made are below ~/Library/Application Support/MobileSync, which macOS protects. To let kitbench read them,
      give Full Disk Access to your terminal in System Settings, Privacy & Security, and start it again.
    EOS
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/kitbench --version")
    ENV["KITBENCH_HOME"] = testpath/"home"
    # Nobody listens at this address: doctor says so, with the code for "this computer".
    ENV["USBMUXD_SOCKET_ADDRESS"] = "UNIX:#{testpath}/none"
    assert_match "usbmuxd", shell_output("#{bin}/kitbench doctor --lang en 2>&1", 8)
    # The practice bench: an empty scenario, heard through its own socket.
    (testpath/"scenario.json").write '{"devices": []}'
    bench = spawn bin/"phonesim", "--scenario", "scenario.json", "--listen", "UNIX:#{testpath}/mux", "--control", "UNIX:#{testpath}/ctl"
    begin
      sleep 0.1 until (testpath/"mux").socket?
      ENV["USBMUXD_SOCKET_ADDRESS"] = "UNIX:#{testpath}/mux"
      assert_equal "", shell_output("#{bin}/kitbench devices --json")
    ensure
      Process.kill "TERM", bench
      Process.wait bench
    end
  end
end
