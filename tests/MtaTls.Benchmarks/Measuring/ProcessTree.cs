using System.Globalization;

namespace MtaTls.Benchmarks.Measuring;

/// <summary>The operating system's measurements of processes and their descendants (Linux's /proc).</summary>
internal static class ProcessTree
{
    /// <summary>Returns the CPU time of each thread of the processes and their running descendants, in nanoseconds.</summary>
    public static IReadOnlyDictionary<int, long> CpuTimes(IEnumerable<int> roots)
    {
        var times = new Dictionary<int, long>();
        foreach (int pid in Expand(roots))
        {
            try
            {
                foreach (string task in Directory.EnumerateDirectories($"/proc/{pid}/task"))
                {
                    times[int.Parse(Path.GetFileName(task), CultureInfo.InvariantCulture)] = Parse(File.ReadAllText(task + "/schedstat").Split(' ')[0]);
                }
            }
            catch (IOException)
            {
                // A thread or a process has ended meanwhile.
            }
        }

        return times;
    }

    /// <summary>
    /// Returns the seconds between two results of <see cref="CpuTimes"/>, user and system. They are exact to the nanosecond; /proc/pid/stat counts hundredths of a second. A thread
    /// that ended in between is not counted (pool threads live longer than any workload here).
    /// </summary>
    public static double CpuSeconds(IReadOnlyDictionary<int, long> before, IReadOnlyDictionary<int, long> after) =>
        after.Sum(thread => thread.Value - before.GetValueOrDefault(thread.Key)) / 1e9;

    /// <summary>Returns how often threads of the processes and their running descendants have waited (voluntary context switches).</summary>
    public static long Waits(IEnumerable<int> roots)
    {
        long waits = 0;
        foreach (int pid in Expand(roots))
        {
            try
            {
                foreach (string task in Directory.EnumerateDirectories($"/proc/{pid}/task"))
                {
                    string line = File.ReadLines(task + "/status").First(static l => l.StartsWith("voluntary_ctxt_switches:", StringComparison.Ordinal));
                    waits += Parse(line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim());
                }
            }
            catch (IOException)
            {
                // A thread or a process has ended meanwhile.
            }
        }

        return waits;
    }

    /// <summary>Returns the resident and peak resident bytes of the processes and their running descendants.</summary>
    public static (long Resident, long Peak) Memory(params IEnumerable<int> roots)
    {
        long resident = 0, peak = 0;
        foreach (int pid in Expand(roots))
        {
            (long Resident, long Peak) memory = Memory(pid);
            resident += memory.Resident;
            peak += memory.Peak;
        }

        return (resident, peak);
    }

    public static (long Resident, long Peak) Memory(int pid)
    {
        long resident = 0, peak = 0;
        try
        {
            foreach (string line in File.ReadLines($"/proc/{pid}/status"))
            {
                if (line.StartsWith("VmRSS:", StringComparison.Ordinal))
                {
                    resident = Kibibytes(line);
                }
                else if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                {
                    peak = Kibibytes(line);
                }
            }
        }
        catch (IOException)
        {
            // The process has ended.
        }

        return (resident, peak);
    }

    private static long Kibibytes(string line) =>
        long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;

    private static long Parse(string field) => long.Parse(field, CultureInfo.InvariantCulture);

    // The command name may contain spaces and brackets, so fields are counted after its last bracket.
    private static string[] ReadStat(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static HashSet<int> Expand(IEnumerable<int> roots)
    {
        var known = roots.ToHashSet();
        var parents = Directory.EnumerateDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0)
            .Where(pid => pid != 0)
            .Select(pid => (Pid: pid, Fields: ReadStat(pid)))
            .Where(process => process.Fields.Length > 1)
            .Select(process => (process.Pid, Parent: (int)Parse(process.Fields[1])))
            .OrderBy(process => process.Pid)
            .ToList();
        bool grown;
        do
        {
            grown = false;
            foreach ((int pid, int parent) in parents)
            {
                grown |= known.Contains(parent) && known.Add(pid);
            }
        }
        while (grown);
        return known;
    }
}
