using MtaTls.AspNetCore.Endpoints;

namespace MtaTls.AspNetCore.Tests.Endpoints;

public sealed class KestrelInternalsTests
{
    // With a version of Kestrel for which this fails, UseMtaTls() logs a warning and changes no endpoint.
    [Fact]
    public void This_version_of_Kestrel_has_the_members_that_show_an_endpoints_settings() => Assert.True(KestrelInternals.AreAvailable);
}
