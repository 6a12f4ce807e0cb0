using System.Diagnostics;
using System.Globalization;
using MtaTls.FunctionalTests.Support;

namespace MtaTls.FunctionalTests.Interop;

/// <summary>The traffic of one loopback port, recorded by dumpcap and read by tshark with the dissectors of tools/wireshark.</summary>
internal sealed class Capture : IAsyncDisposable
{
    private readonly Process _dumpcap;
    private readonly DirectoryInfo _folder;

    private Capture(Process dumpcap, DirectoryInfo folder)
    {
        _dumpcap = dumpcap;
        _folder = folder;
    }

    /// <summary>Starts to record; skips the test if dumpcap is missing or has no permission.</summary>
    /// <param name="filter">The capture filter, such as <c>tcp port 443</c>.</param>
    /// <param name="within">A command that runs the program given after it, such as <c>ip netns exec x</c>; none by default.</param>
    public static async Task<Capture> StartAsync(string filter, params string[] within)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("mtatls-capture-");
        string[] command = [.. within, "dumpcap", "-q", "-i", "lo", "-B", "32", "-f", filter, "-w", Path.Combine(folder.FullName, "capture.pcapng")];
        ProcessStartInfo start = new(command[0], command[1..]) { RedirectStandardError = true };
        Process dumpcap;
        try
        {
            dumpcap = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("dumpcap is not installed.");
            throw;
        }

        // dumpcap prints "File: …" when it records.
        string said = "";
        while (await dumpcap.StandardError.ReadLineAsync().Soon() is { } line)
        {
            said += line + "\n";
            if (line.StartsWith("File:", StringComparison.Ordinal))
            {
                return new Capture(dumpcap, folder);
            }
        }

        dumpcap.Dispose();
        folder.Delete(recursive: true);
        Assert.Skip("dumpcap cannot capture packets here: " + said);
        throw new UnreachableException();
    }

    /// <summary>The file for the keys.</summary>
    public string Keys => Path.Combine(_folder.FullName, "keys.log");

    /// <summary>Waits until the recording contains a packet that matches the filter.</summary>
    public Task UntilAsync(string filter) => UntilAsync(filter, "frame.number", static found => found.Length > 0);

    /// <summary>Waits until the values of a field meet the condition, and returns them.</summary>
    public async Task<string[]> UntilAsync(string filter, string field, Predicate<string[]> holds)
    {
        using CancellationTokenSource hang = new(Wait.LongTimeout);
        while (true)
        {
            string[] found = await ReadAsync(filter, field);
            if (holds(found))
            {
                return found;
            }

            await Task.Delay(200, hang.Token);
        }
    }

    /// <summary>Returns all values of a field in the packets that match the filter.</summary>
    public async Task<string[]> ReadAsync(string filter, string field, params string[] settings)
    {
        string scripts = Path.Combine(AppContext.BaseDirectory, "wireshark");
        (int exitCode, string output) = await Tool.RunAsync("tshark", "",
        [
            "-r", Path.Combine(_folder.FullName, "capture.pcapng"), "-n", "-o", "tls.keylog_file:" + Keys,
            "-X", "lua_script:" + Path.Combine(scripts, "mtatls.lua"), "-X", "lua_script:" + Path.Combine(scripts, "qt-session.lua"),
            .. settings.SelectMany(static s => (string[])["-o", s]),
            "-Y", filter, "-T", "fields", "-e", field, "-E", "aggregator=\u001f",
        ]);
        Assert.DoesNotContain("Lua", output, StringComparison.Ordinal);
        // Exit code 2 means that the last packet of the file is still being written.
        Assert.True(exitCode is 0 or 2, string.Create(CultureInfo.InvariantCulture, $"tshark ended with {exitCode}: {output}"));
        return [.. output.Split('\n').Where(static l => !l.StartsWith("Running as user", StringComparison.Ordinal) && !l.StartsWith("tshark: ", StringComparison.Ordinal)).SelectMany(static l => l.Split('\u001f')).Where(static v => v.Length > 0)];
    }

    public async ValueTask DisposeAsync()
    {
        _dumpcap.Kill();
        await _dumpcap.WaitForExitAsync();
        _dumpcap.Dispose();
        _folder.Delete(recursive: true);
    }
}
