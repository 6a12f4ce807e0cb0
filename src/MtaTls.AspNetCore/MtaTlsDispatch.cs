namespace MtaTls.AspNetCore;

/// <summary>When an accepted channel is given to the application.</summary>
public enum MtaTlsDispatch
{
    /// <summary>
    /// With the first byte that the client sends. A channel that never speaks costs no HTTP pipeline. The default, right for every
    /// protocol in which the client speaks first, HTTP among them.
    /// </summary>
    FirstData,

    /// <summary>As soon as it is open: for endpoints that are not HTTP and whose server speaks first.</summary>
    Open,
}
