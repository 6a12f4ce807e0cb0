using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace MtaTls.Benchmarks.Reporting;

/// <summary>The machine of the run, and the speed of the cipher there by <c>openssl speed</c>.</summary>
internal sealed record MachineInfo(string Processor, int Processors, string System, string Runtime, string OpenSsl, double Aes128GcmBytesPerSecond, double Aes256GcmBytesPerSecond)
{
    public static MachineInfo Collect()
    {
        string model = "unknown processor";
        if (File.Exists("/proc/cpuinfo"))
        {
            model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? model;
        }

        return new(
            model,
            Environment.ProcessorCount,
            RuntimeInformation.OSDescription,
            RuntimeInformation.FrameworkDescription,
            Run("version").Trim(),
            CipherSpeed("aes-128-gcm"),
            CipherSpeed("aes-256-gcm"));
    }

    // The last line has a name, then thousands of bytes a second, each followed by a k.
    private static double CipherSpeed(string cipher)
    {
        string last = Run("speed", "-seconds", "1", "-bytes", "16384", "-evp", cipher).Split('\n', StringSplitOptions.RemoveEmptyEntries).LastOrDefault() ?? "";
        string? figure = last.Split(' ', StringSplitOptions.RemoveEmptyEntries).LastOrDefault()?.TrimEnd('k');
        return double.TryParse(figure, NumberStyles.Float, CultureInfo.InvariantCulture, out double thousands) ? thousands * 1000 : double.NaN;
    }

    private static string Run(params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            return process.StandardOutput.ReadToEnd();
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "";
        }
    }
}
