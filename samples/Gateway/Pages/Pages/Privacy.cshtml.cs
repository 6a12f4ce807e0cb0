using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Mvc.RazorPages;

namespace Pages.Pages;

public class PrivacyModel : PageModel
{
    public void OnGet()
    {
    }
}

